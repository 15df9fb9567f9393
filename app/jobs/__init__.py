"""What happens by itself: the sweep's schedule, the drain of the dirty queue, retention; and who leads.

One process leads at a time, by a lease in the database; runs asked for from anywhere, a command or a
page, are rows that the leader takes up.
"""

from app.jobs.audit_seal import AuditSeal
from app.jobs.leading import LeadersChore
from app.jobs.learner import Learner
from app.jobs.policy_watch import PolicyWatch
from app.jobs.retention import Retention
from app.jobs.schedule import Schedule
from app.jobs.worker import Worker

__all__ = ["AuditSeal", "LeadersChore", "Learner", "PolicyWatch", "Retention", "Schedule", "Worker"]

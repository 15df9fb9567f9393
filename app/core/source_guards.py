"""Guards on the source of removals: a provider that broke, changed, or went back in time; a bridge that did.

The limits on numbers cannot see these: each removal may be within them. What is held here is held
whole, so that nobody loses access to a mistake; access that is given goes on, and so do single leavers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from app.core.changes import Change, MemberChange
from app.core.circumstances import Circumstances, Doubt, Held, NewClient
from app.core.identity import Kind, Principal
from app.core.removals import REMOVAL_KINDS, beyond, holder_of, holds, item_of, weights


def hold_emptied(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold what takes all members at once from a group that the provider still has.

    A group that is deleted, or loses one member after the other, is no such group; members who leave
    altogether go with their users.
    """
    if around.limits.source.emptied != "hold":
        return []
    held = []
    for group, losses in sorted(_losses_by_group(_of_who_stay(_open_removals(changes, around), around)).items()):
        if len(losses) > around.limits.floor and _is_emptied(group, around):
            held.append(Held(frozenset(losses), "emptied", _emptied_sentence(group, losses, around)))
    return held


def _of_who_stay(removals: Iterable[Change], around: Circumstances) -> Iterator[Change]:
    leaving = around.source.leaving
    return (change for change in removals if not isinstance(change, MemberChange) or change.member not in leaving)


def _is_emptied(group: Principal, around: Circumstances) -> bool:
    """Tell whether no person is left in a group that is still there; service accounts come from the policy, too."""
    people = (member for member in around.desired.members_of(group) if member.kind is Kind.USER)
    return group in around.desired.profiles and not any(people)


def _losses_by_group(removals: Iterable[Change]) -> dict[Principal, list[Change]]:
    losses: defaultdict[Principal, list[Change]] = defaultdict(list)
    for change in removals:
        if isinstance(change, MemberChange):
            losses[change.group].append(change)
    return losses


def _emptied_sentence(group: Principal, losses: list[Change], around: Circumstances) -> str:
    name, total = around.observed.name_of(group) or group.id, len(around.observed.members_of(group))
    return (
        f"group {name} was pushed without any person, and would lose {len(losses)} of {total} at once: "
        f"more than the {around.limits.floor} that always go on"
    )


def hold_scattered(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold memberships that many people who stay lose in many groups within a short time."""
    limit = around.limits.source.scattered
    if limit is None:
        return []
    losses = {
        change: (change.group, change.member)
        for change in _given(_open_removals(changes, around), around)
        if isinstance(change, MemberChange) and change.member not in around.source.leaving
    }
    before = {item for item in around.source.lost if holder_of(item) not in around.source.leaving}
    lost = before | set(losses.values())
    groups, people = {group for group, _ in lost}, {holder_of(item) for item in lost}
    if not losses or len(groups) <= limit.groups or len(people) <= limit.people:
        return []
    sentence = (
        f"{len(people)} people who stay would have lost memberships in {len(groups)} groups within "
        f"{_words(limit.within)}, {len(losses)} of them now: more than {limit.people} people and {limit.groups} groups"
    )
    return [Held(frozenset(losses), "scattered", sentence)]


def hold_new_clients(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold what a client that is new takes away of what other clients pushed, beyond the floor."""
    held = []
    removals = list(_given(_open_removals(changes, around), around))
    for client in around.source.new_clients:
        mine = [change for change in removals if _takes_from_others(client, change, around)]
        weighted = ((change, _weight(change, around)) for change in mine)
        over = beyond(weighted, around.limits.floor - client.removed, around.held_before)
        if over:
            held.append(Held(frozenset(over), "new_client", _client_sentence(client, mine, around)))
    return held


def _takes_from_others(client: NewClient, change: Change, around: Circumstances) -> bool:
    pusher = around.source.pushers.get(change.principal)
    return pusher is not None and pusher.last == client.name != pusher.first


def _weight(change: Change, around: Circumstances) -> int:
    return max(1, sum(weights(change, around.observed).values()))


def _client_sentence(client: NewClient, mine: list[Change], around: Circumstances) -> str:
    number = sum(_weight(change, around) for change in mine)
    before = f" after {client.removed} before" if client.removed else ""
    others = sorted({around.source.pushers[change.principal].first for change in mine})
    age = _words(around.source.now - client.first_wrote_at) if around.source.now else "a short time"
    return (
        f"{client.name} pushed for the first time {age} ago, and would take away {number}{before} of what "
        f"{', '.join(others)} pushed: more than the {around.limits.floor} that always go on"
    )


def hold_undone(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold removals beyond the floor while many people get back what was taken from them not long ago.

    So it looks when an identity provider is restored from a backup: it pushes the world of some hours ago.
    """
    limit = around.limits.source.undone
    if limit is None:
        return []
    given = {item_of(change) for change in changes if not change.removes_access}
    back = around.source.back | {holder_of(item) for item in given & around.source.taken}
    if len(back) <= limit.people:
        return []
    removals = list(_given(_open_removals(changes, around), around))
    held = {change for kind in REMOVAL_KINDS for change in _beyond_floor(kind, removals, around)}
    sentence = (
        f"{len(back)} people get back what was taken from them within {_words(limit.within)}, over {limit.people}: "
        f"the identity provider may be restored from a backup, so that {len(held)} of {len(removals)} removals wait"
    )
    return [Held(frozenset(held), "undone", sentence)] if held else []


def _beyond_floor(kind: str, removals: Iterable[Change], around: Circumstances) -> list[Change]:
    weighted = ((change, weights(change, around.observed).get(kind, 0)) for change in removals)
    left = around.limits.floor - around.removed_before()[kind]
    return beyond((pair for pair in weighted if pair[1]), left, around.held_before)


def hold_unremembered(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold the removal of what came into Tecton while the bridge has no memory."""
    doubt = doubt_about(changes, around)
    held = set(doubt.changes - around.approved) if doubt else set()
    if doubt is None or not held:
        return []
    since, until = (f"{time:%Y-%m-%d %H:%M} UTC" for time in doubt.silence)
    sentence = (
        f"the bridge's database knows nothing of the time from {since} to {until}: it was stopped, or restored from a "
        f"backup; {len(held)} removals of what came into Tecton meanwhile wait, since it may have been pushed"
    )
    return [Held(frozenset(held), "memory", sentence)]


def doubt_about(changes: Iterable[Change], around: Circumstances) -> Doubt | None:
    """Return the removals that a silence makes doubtful: those known since its first look, and those it finds itself.

    A few are no sign of anything: somebody gave them by hand. But only a look at everything can tell
    that they are few.
    """
    removals = frozenset(change for change in changes if change.removes_access)
    known, silence = around.source.doubt, around.source.silence
    old = known.changes & removals if known else frozenset()
    new: frozenset[Change] = frozenset()
    if silence and silence.is_long(around.limits.source.silence):
        new = frozenset(change for change in removals if not _is_remembered(change, around))
        new = frozenset() if around.is_whole and len(new) <= around.limits.floor else new
    times = [of for of in ((known.silence if old and known else None), silence if new else None) if of]
    if not times:
        return None
    return Doubt(max(times, key=lambda of: of.until - of.since), old | new)


def _is_remembered(change: Change, around: Circumstances) -> bool:
    item = item_of(change)
    return holds(around.last_applied, item) or holds(around.source.remembered, item)


def _open_removals(changes: Iterable[Change], around: Circumstances) -> Iterator[Change]:
    """Yield the removals that nobody approved."""
    return (change for change in changes if change.removes_access and change not in around.approved)


def _given(removals: Iterable[Change], around: Circumstances) -> Iterator[Change]:
    """Yield the removals of what the bridge gave: the source changed its mind. Others were given by hand."""
    return (change for change in removals if holds(around.last_applied, item_of(change)))


def _words(time: timedelta) -> str:
    minutes = max(int(time.total_seconds() // 60), 0)
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // size
            return f"{number} {word}{'s' if number > 1 else ''}"
    return "less than a minute"


SOURCE_GUARDS = (hold_emptied, hold_unremembered, hold_new_clients, hold_undone, hold_scattered)

"""The places one-time keys are delivered to."""

from app.delivery.places import DeliveryPlaces
from app.delivery.vault import Vault

__all__ = ["DeliveryPlaces", "Vault"]

"""What is known of models: ids, abilities per endpoint, limits, variants; and how to find one.

`models.toml` is the data. A gateway's live list and the prices a person entered are laid over it by `card_for`;
nothing here ever prices a model with a vendor's list price.
"""

from lib.catalogue.merge import card_for
from lib.catalogue.models import FamilyFacts, families, load_catalogue
from lib.catalogue.picker import PickerFamily, PickerModel, picker_groups, search
from lib.catalogue.variants import split_variant

__all__ = [
    "FamilyFacts",
    "PickerFamily",
    "PickerModel",
    "card_for",
    "families",
    "load_catalogue",
    "picker_groups",
    "search",
    "split_variant",
]

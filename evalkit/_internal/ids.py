"""The only place that makes ids and readable names."""

from __future__ import annotations

import hashlib
import uuid

_QUALITY_WORDS = (
    "amber bold brave bright brisk calm clear clever cosy crisp deft eager early fair fine fond "
    "free fresh gentle glad golden grand green happy hardy honest humble jolly keen kind light "
    "lively loyal lucky lunar mellow merry mighty mild misty neat nimble noble patient plain "
    "polite prime proud quick quiet ready rosy royal rustic sharp shiny silent silver simple "
    "smart smooth snug sober solar solid sound spry steady still stout sunny swift tidy tranquil "
    "true upbeat vivid warm wise witty young zesty"
)
_ANIMAL_WORDS = (
    "adder alpaca ant badger bat bear beaver bee bison boar bream buck bull camel carp cat colt "
    "cod cow crab crane crow cub deer dog dove duck eagle eel elk ewe falcon finch fish foal fox "
    "frog gnu goat goose grouse gull hare hawk hen heron horse hound ibex jay kite koala lamb "
    "lark lion llama lynx marten mink mole moose moth mouse mule newt otter owl ox panda perch "
    "pika pike pony puffin quail ram raven robin rook seal shark sheep shrew shrike skua sloth "
    "snail stag stoat stork swan swift tern tiger toad trout tuna viper vole wasp whale wolf "
    "wombat wren yak zebra"
)
_QUALITIES = _QUALITY_WORDS.split()
_ANIMALS = _ANIMAL_WORDS.split()


def new_run_id() -> str:
    """Return a new random id: 32 lower-case hexadecimal digits, 122 bits of them random."""
    return uuid.uuid4().hex


def new_assessment_id() -> str:
    """Return a new random id of an assessment, in MLflow's form."""
    return f"a-{uuid.uuid4().hex}"


def new_name(seed: str) -> str:
    """Return a readable name, always the same for the same *seed*.

    Names are for people and not unique: with 82 qualities, 106 animals and 1,000 numbers, two of
    3,500 runs share one with a chance of about one half.

    Examples:
        >>> new_name("7d9f")
        'silver-wombat-435'
    """
    number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=12).digest(), "big")
    number, quality = divmod(number, len(_QUALITIES))
    number, animal = divmod(number, len(_ANIMALS))
    return f"{_QUALITIES[quality]}-{_ANIMALS[animal]}-{number % 1000}"

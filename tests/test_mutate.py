"""The mutations of `mutate.py` fit the code as it is; that each is caught takes hours to see."""

import pytest

import mutate


@pytest.mark.parametrize("name", sorted({mutation.file for mutation in mutate.MUTATIONS}))
def test_every_mutation_can_be_made(name: str):
    for mutation in mutate.MUTATIONS:
        if mutation.file == name:
            mutate.mutated(mutation)  # raises ValueError when it cannot


def test_the_names_of_the_mutations_are_unique():
    assert len(mutate.chosen([])) == len({mutation.name for mutation in mutate.MUTATIONS})

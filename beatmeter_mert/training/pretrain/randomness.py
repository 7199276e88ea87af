"""The state of the random generators that layers draw from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def random_states() -> dict[str, Tensor | list[Tensor]]:
    """Read the state of the generators of the processor and of every accelerator."""
    on_accelerators = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"random": torch.get_rng_state(), "random_accelerator": on_accelerators}


def set_random_states(processor: Tensor, accelerators: list[Tensor]) -> None:
    """Go on from states that were read before; those of other accelerators are left alone."""
    torch.set_rng_state(processor)
    if torch.cuda.is_available() and len(accelerators) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(accelerators)

"""In which precision a network is trained: bfloat16 where the processor computes in it."""

from __future__ import annotations

import torch

_NATIVE = ("amx_bf16", "avx512_bf16", "arm_bf16", "bf16")
"""Names under which torch lists instructions for bfloat16, of x86 and of Arm."""


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether the processor has instructions for bfloat16, rather than emulating it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name) for name in _NATIVE)
    return False


def in_bfloat16(device: torch.device) -> torch.autocast:
    """Compute products in bfloat16 within a ``with`` block, where that is quicker.

    Weights stay in float32, and so does the network that is written.
    """
    native = computes_in_bfloat16(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=native)

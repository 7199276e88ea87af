"""The BeatNet network: convolution, two causal LSTM layers, three classes a frame.

References
----------
M. Heydari, F. Cwitkowitz and Z. Duan, BeatNet: CRNN and particle filtering for online joint
beat, downbeat and meter tracking, ISMIR 2021. The trained weights are CC BY 4.0.
"""

from __future__ import annotations

import torch
from torch import nn

N_FEATURES = 272
_KERNEL = 10
_PROJECTED = 150
_HIDDEN = 150


class BeatNetwork(nn.Module):
    """Logits of beat, downbeat and neither for every frame.

    Input of shape (batch, frames, 272), output of shape (batch, frames, 3).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 2, _KERNEL)
        self.linear0 = nn.Linear(2 * ((N_FEATURES - _KERNEL + 1) // 2), _PROJECTED)
        self.lstm = nn.LSTM(_PROJECTED, _HIDDEN, num_layers=2, batch_first=True)
        self.linear = nn.Linear(_HIDDEN, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Run the network over whole sequences."""
        batch, frames, bins = features.shape
        filtered = torch.relu(self.conv1(features.reshape(batch * frames, 1, bins)))
        pooled = torch.max_pool1d(filtered, 2).reshape(batch, frames, -1)
        hidden, _ = self.lstm(self.linear0(pooled))
        logits: torch.Tensor = self.linear(hidden)
        return logits

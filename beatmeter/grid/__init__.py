"""The metrical grid: pulse, meter, phase; beats, downbeats, tempo, time signature."""

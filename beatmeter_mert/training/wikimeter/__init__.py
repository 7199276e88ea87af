"""WIKIMETER: songs with known meters, found on the web and cut into clips.

The package holds lists of songs, not their sound. What is downloaded from them belongs to its
owners: keep it to yourself, and for research only.

The list ``songs.csv`` is searched for by artist and title. Its ``confidence`` tells how sure the
meter is: below 1 where the later, reviewed list is less sure, 0.5 where that list reads another
meter or no longer has the song, with the reason as ``note``. The list ``reviewed.csv`` names the
very recordings, with a confidence for each meter and, for some, the stretch to use.
"""

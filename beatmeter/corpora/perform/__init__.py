"""From written music to sound: tempo, touch, instruments and soundfonts."""

"""Solos of sampled instruments, rendered from a General MIDI sound font (dap.data.sound_font)."""

ARCHIVES = {
    "sound-font": {
        "title": "solos rendered from a General MIDI sound font",
        "licence": "that of the sound font (FluidR3_GM: MIT)",
        "citation": "F. Wen, FluidR3_GM; FluidSynth, https://www.fluidsynth.org",
        "size": "80 solos of 6.5 s of each instrument",
        "rendered": True,
        "why_no_archive": "is rendered by FluidSynth (Debian's fluidsynth and fluid-soundfont-gm)",
        "sources": [{"archives": [], "root": "", "members": ["*/*"], "folders": ["sound-font"]}],
    }
}

"""SC09: the ten spoken digits of Speech Commands, in the selection of WaveGAN."""

ARCHIVES = {
    "sc09": {
        "title": "SC09 (Speech Commands digits)",
        "licence": "CC BY 4.0",
        "citation": "P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech "
        "Recognition, arXiv:1804.03209, 2018; selection: C. Donahue, J. McAuley and M. Puckette, "
        "Adversarial Audio Synthesis, ICLR 2019",
        "size": "the test part's recordings of 1 s, 16 kHz; the fallback (Speech Commands 0.01) is "
        "1.5 GB packed, and all of its digits are used",
        "sources": [
            {
                "archives": [
                    {
                        "file": "sc09.tar.gz",
                        "url": "http://deepyeti.ucsd.edu/cdonahue/wavegan/data/sc09.tar.gz",
                        "md5": "b9a7c84bd5d62bac9bbdcebc786909e6",
                    }
                ],
                "root": "sc09/test",
                "members": ["*.wav"],
                "folders": ["sc09/test"],
                "most_members": 50_000,
                "most_bytes": 3_000_000_000,
            },
            {
                "archives": [
                    {
                        "file": "speech_commands_v0.01.tar.gz",
                        "url": "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
                        "sha256": "743935421bb51cccdb6bdd152e04c5c7"
                        "0274e935c82119ad7faeec31780d811d",
                    }
                ],
                "root": "",
                "members": [
                    "zero/*.wav",
                    "one/*.wav",
                    "two/*.wav",
                    "three/*.wav",
                    "four/*.wav",
                    "five/*.wav",
                    "six/*.wav",
                    "seven/*.wav",
                    "eight/*.wav",
                    "nine/*.wav",
                ],
                "folders": ["speech_commands_v0.01"],
                "most_members": 100_000,
                "most_bytes": 5_000_000_000,
            },
        ],
    }
}

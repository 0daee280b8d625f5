"""LJSpeech: one speaker reading seven books."""

ARCHIVES = {
    "ljspeech": {
        "title": "LJSpeech 1.1",
        "licence": "public domain",
        "citation": "K. Ito and L. Johnson, The LJ Speech Dataset, 2017",
        "size": "13,100 recordings of 1 to 10 s, 22.05 kHz; 2.7 GB packed, 3.8 GB unpacked",
        "sources": [
            {
                "archives": [
                    {
                        "file": "LJSpeech-1.1.tar.bz2",
                        "url": "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",
                        "bytes": 2748572632,
                        "sha256": "be1a30453f28eb8dd26af4101ae40cbf"
                        "2c50413b1bb21936cbcdc6fae3de8aa5",
                    }
                ],
                "root": "LJSpeech-1.1/wavs",
                "members": ["*.wav"],
                "folders": ["LJSpeech-1.1/wavs"],
                "most_members": 20_000,
                "most_bytes": 6_000_000_000,
            }
        ],
    }
}

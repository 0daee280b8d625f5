"""WaveGAN's piano: Bach, performed."""

ARCHIVES = {
    "piano": {
        "title": "Bach piano performances (WaveGAN)",
        "licence": "none published",
        "citation": "C. Donahue, J. McAuley and M. Puckette, Adversarial Audio Synthesis, "
        "ICLR 2019",
        "size": "performances of minutes, 48 kHz",
        "sources": [
            {
                "archives": [
                    {
                        "file": "mancini_piano.tar.gz",
                        "url": "http://deepyeti.ucsd.edu/cdonahue/wavegan/data/mancini_piano.tar.gz",
                    }
                ],
                "root": "piano/test",
                "members": ["*"],
                "folders": ["piano/test"],
                "most_members": 50_000,
                "most_bytes": 6_000_000_000,
            }
        ],
    }
}

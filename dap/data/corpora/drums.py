"""WaveGAN's drums: one-shots of drum machines."""

ARCHIVES = {
    "drums": {
        "title": "Drum hits (WaveGAN)",
        "licence": "none published",
        "citation": "C. Donahue, J. McAuley and M. Puckette, Adversarial Audio Synthesis, "
        "ICLR 2019",
        "size": "one-shots of drums, 16 kHz; about 218 MB packed",
        "sources": [
            {
                "archives": [
                    {
                        "file": "drums.tar.gz",
                        "url": "http://deepyeti.ucsd.edu/cdonahue/wavegan/data/drums.tar.gz",
                    }
                ],
                "root": "drums/test",
                "members": ["*"],
                "folders": ["drums/test"],
                "most_members": 50_000,
                "most_bytes": 6_000_000_000,
            }
        ],
    }
}

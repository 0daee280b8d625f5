"""DEMAND: noise of a living room and of traffic, the first of 16 channels."""

ARCHIVES = {
    "demand": {
        "title": "DEMAND, living room and traffic, channel 1",
        "licence": "CC BY-SA 3.0",
        "citation": "J. Thiemann, N. Ito and E. Vincent, DEMAND: a collection of multi-channel "
        "recordings of acoustic noise in diverse environments, 2013, doi:10.5281/zenodo.1227121",
        "size": "2 recordings of 5 minutes, 16 kHz; 199 MB packed",
        "sources": [
            {
                "archives": [
                    {
                        "file": "DLIVING_16k.zip",
                        "url": "https://zenodo.org/records/1227121/files/DLIVING_16k.zip",
                        "bytes": 80170627,
                        "md5": "46741384d9e434a0bd8b3ec1830b6052",
                    },
                    {
                        "file": "STRAFFIC_16k.zip",
                        "url": "https://zenodo.org/records/1227121/files/STRAFFIC_16k.zip",
                        "bytes": 118572691,
                        "md5": "2efa87262f272bbf9ba578088e81939c",
                    },
                ],
                "root": "",
                "members": ["DLIVING/ch01.wav", "STRAFFIC/ch01.wav"],
                "folders": ["demand", "."],
                "most_members": 1_000,
                "most_bytes": 1_000_000_000,
            }
        ],
    }
}

ARCHIVES = {
    "my-corpus": {
        "title": "its true name",
        "licence": "CC BY 4.0",
        "citation": "who made it",
        "size": "200 recordings of 3 s, 16 kHz; 40 MB packed",
        "sources": [  # tried in this order
            {
                # `bytes`, and `sha256` or `md5`, where they are published; else those of the first
                # download are kept
                "archives": [{"file": "a.tar.gz", "url": "https://example.org/a.tar.gz"}],
                "root": "a/wavs",  # the folder inside of the archive
                "members": ["*.wav"],  # what is unpacked of it
                "folders": ["a/wavs"],  # where a mirror has it unpacked
                "most_members": 10_000,  # an archive that holds more is refused
                "most_bytes": 10_000_000_000,
            }
        ],
    }
}

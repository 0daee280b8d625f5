"""MUSIC: solo performances, published as a list of video ids; the recordings are the user's."""

ARCHIVES = {
    "music": {
        "title": "MUSIC (solos, a folder of the user's)",
        "licence": "that of each video",
        "citation": "H. Zhao et al., The Sound of Pixels, ECCV 2018",
        "size": "as the folder has it",
        "why_no_archive": "is published as a list of video ids, without an archive: put recordings "
        "into PATH/music/<instrument>/*.wav and add --config mirror=PATH",
        "sources": [{"archives": [], "root": "", "members": ["*/*"], "folders": ["music"]}],
    }
}

"""The configuration of a small study."""

import yaml


def config(**keys):
    """A study of one denoising and one separating experiment."""
    base = yaml.safe_load("""
    study: tiny
    corpora:
      synthetic-speech: {title: speech, synthetic: speech, samples: 2048}
      synthetic-piano: {title: piano, synthetic: piano, samples: 2048}
      synthetic-drums: {title: drums, synthetic: drums, samples: 2048}
    experiments:
      denoise:
        corruption: {kind: gaussian}
        corpora: [synthetic-speech, synthetic-piano]
        methods: [observed, conv]
        metrics: [snr]
      separate:
        corruption: {kind: mixture}
        corpora: [synthetic-piano+synthetic-drums]
        methods: [observed, conv]
        metrics: [sdr, snr]
    """)
    return base | keys


def changed(where, value):
    """The same study with the key at the dotted path `where` set, or taken out by None."""
    base = config()
    *path, last = where.split(".")
    part = base
    for key in path:
        part = part.setdefault(key, {})
    part[last] = value
    if value is None:
        del part[last]
    return base

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

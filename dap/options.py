"""Named choices of how networks are fitted, and the learning rate that a choice comes to.

Light on purpose: a study is checked, and reported, without PyTorch.
"""

# what a preset changes of the study's defaults, which are paper A's
PRESETS = {
    "paper": {},
    "fast": {
        "iterations": 200,
        "learning_rate": 0.0015,
        "scale_lr_by_width": True,
        "lr_step_size": 0,
        "warmup": 20,
        "cooldown": 0.4,
        "initialisation": "he",
        "output_scale": 0.2,
        "ema_decay": 0.95,
    },
}

# of the networks for which `scale_lr_by_width` raises the learning rate
NARROWEST = 0.25


def learning_rate(fit: dict) -> float:
    """The learning rate that fit options ask for, at the width that they ask for.

    With `scale_lr_by_width` it goes as 1 / width (Adam's in hidden layers, Yang et al. 2021,
    "Tensor programs V"), but for networks narrower than a quarter.
    """
    width = max(fit["width"], NARROWEST) if fit["scale_lr_by_width"] else 1.0
    return fit["learning_rate"] / width

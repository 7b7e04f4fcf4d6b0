"""Makes the statements of a difference smaller as long as they still differ in the same way."""
import time


def shrink(case, differs, seconds=20, tries=400):
    """`differs` runs the case and answers whether the same difference is there."""
    deadline = time.monotonic() + seconds
    case.settings = _fewer(case, differs, deadline)
    progress = True
    while progress:
        progress = False
        for node in list(case.steps.walk()):
            kept = node.pieces
            for pieces in list(node.smaller()):
                if tries <= 0 or time.monotonic() > deadline:
                    node.pieces = kept
                    return
                tries -= 1
                node.pieces = pieces
                if differs():
                    progress = True
                    kept = pieces
                    break
                node.pieces = kept
            if progress:
                break


def _fewer(case, differs, deadline):
    settings = case.settings
    for setting in settings:
        if time.monotonic() > deadline:
            break
        case.settings = tuple(other for other in settings if other != setting)
        if differs():
            settings = case.settings
    return settings

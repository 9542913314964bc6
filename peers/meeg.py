"""The M/EEG wing beside pyRiemann: rest against mental arithmetic on the same covariances and the same folds."""

REQUIREMENTS = ["pyriemann==0.12", "scikit-learn==1.9.1", "scipy==1.17.1", "numpy==2.4.6", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-meeg", "versus")

MODELS = ("log-power", "log-euclidean", "affine-invariant", "sliced-wasserstein")


def read(work, which, shape):
    """Covariances (bands, recordings, channels, channels), labels and fold numbers that our side wrote."""
    import numpy as np

    bands, count, order = shape
    covariances = np.fromfile(work / f"{which}-covariances.f64", dtype="<f8").reshape(bands, count, order, order)
    labels, folds = (np.fromfile(work / f"{which}-{name}.f64", dtype="<f8").astype(int) for name in ("labels", "folds"))
    return covariances, labels, folds


def tangent_space_classifier(covariances, labels, folds):
    """Seconds and balanced accuracy of pyRiemann's TSClassifier.

    It takes one matrix an example: the bands go on the diagonal of a larger one, whose affine-invariant mean and
    tangent vector are those of the bands side by side. In microvolts: its defaults are not free of units.
    """
    import time

    import numpy as np
    from pyriemann.classification import TSClassifier
    from sklearn.metrics import balanced_accuracy_score

    bands, count, order, _ = covariances.shape
    blocks = np.zeros((count, bands * order, bands * order))
    for band in range(bands):
        part = slice(band * order, (band + 1) * order)
        blocks[:, part, part] = covariances[band]
    blocks /= np.trace(blocks, axis1=1, axis2=2).mean() / (bands * order)
    predicted = np.empty(count, dtype=int)
    start = time.perf_counter()
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        predicted[test] = TSClassifier(metric="riemann").fit(blocks[train], labels[train]).predict(blocks[test])
    return time.perf_counter() - start, balanced_accuracy_score(labels, predicted)


def quantile_kernel(people, windows, channels, directions, levels):
    """Seconds for the squared distances of quantile features in NumPy: logarithms, one product, sorts, one Gram matrix."""
    import time

    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.standard_normal((people * windows, channels, 4 * channels))
    covariances = x @ x.transpose(0, 2, 1) / (4 * channels)
    bank = rng.standard_normal((directions, channels, channels))
    bank = (bank + bank.transpose(0, 2, 1)).reshape(directions, -1)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    ranks = np.ceil((np.arange(levels) + 0.5) / levels * windows).astype(int) - 1
    start = time.perf_counter()
    values, vectors = np.linalg.eigh(covariances)
    logs = (vectors * np.log(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    projected = (bank @ logs.reshape(people * windows, -1).T).reshape(directions, people, windows)
    features = np.sort(projected, axis=2)[:, :, ranks].transpose(1, 0, 2).reshape(people, -1)
    features /= np.sqrt(directions * levels)
    gram = features @ features.T
    squares = np.diag(gram)
    _ = squares[:, None] + squares[None, :] - 2 * gram
    return time.perf_counter() - start


def tasks(ours, data, work):
    from run import Task

    size = (100, 60, 19, 500, 20)
    yield Task(
        "quantile kernel of 100 people x 60 windows, d = 19, L = 500, T = 20",
        ours=lambda: ours("kernel", *size)["seconds"],
        peer=lambda: quantile_kernel(*size),
        peer_name="NumPy",
        goal=1.0,
    )
    folder = data and data / "eegmat"
    if not folder or not folder.is_dir():
        print("SKIPPED: no recordings of eegmat, nothing to classify")
        return
    yield Task("72 recordings, EDF to covariances", ours=lambda: ours("load", folder)["seconds"], limit=60.0, repeat=3)
    ours("load", folder)
    floors = {"plain": 0.70, "recentred": 0.83}
    for which, floor in floors.items():
        shape = ours("write", work, which)["shape"]
        covariances, labels, folds = read(work, which, shape)
        yield Task(
            f"10-fold affine-invariant tangent space, {which}",
            ours=lambda which=which: ours("classify", "affine-invariant", which)["seconds"],
            peer=lambda read=(covariances, labels, folds): tangent_space_classifier(*read)[0],
            peer_name="pyRiemann 0.12 TSClassifier",
            goal=5.0,
            repeat=3,
        )
        for model in MODELS:
            yield Task(
                f"rest or arithmetic, {which}, {model}",
                ours=lambda model=model, which=which: ours("classify", model, which)["balanced_accuracy"],
                peer=lambda read=(covariances, labels, folds): tangent_space_classifier(*read)[1],
                peer_name="pyRiemann 0.12 TSClassifier",
                floor=floor if model == "affine-invariant" else None,
                unit="balanced accuracy",
                repeat=1,
            )

# SPDX-License-Identifier: Apache-2.0
"""Logs as versions of libvmaf write them, made from columns of numbers."""

import json

import numpy as np

SIX = ("adm2", "motion2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3")
BOOTSTRAP = ("bagging", "ci95_high", "ci95_low", "stddev", "vmaf_0001", "vmaf_0002")


def columns(n_frames=5, seed=0, *, integer=True, bootstrap=False):
    """The columns of a log under libvmaf's names."""
    rng = np.random.default_rng(seed)
    prefix = "integer_" if integer else ""
    found = {prefix + name: rng.uniform(0, 1, n_frames).round(6) for name in SIX}
    found["psnr_y" if integer else "psnr"] = rng.uniform(20, 50, n_frames).round(6)
    for name in BOOTSTRAP if bootstrap else ():
        found[name] = rng.uniform(20, 90, n_frames).round(5)
    return {**found, "vmaf": rng.uniform(20, 90, n_frames).round(6)}


def frames(table):
    return [
        {"frameNum": n, "metrics": {name: float(values[n]) for name, values in table.items()}}
        for n in range(len(table["vmaf"]))
    ]


def json_1(table, model="/models/vmaf_rb_v0.6.3.pkl", version="1.3.11"):
    head = {
        "version": version,
        "params": {"model": model, "scaledWidth": 64, "scaledHeight": 64, "subsample": 1},
        "metrics": sorted(table),
    }
    return json.dumps({**head, "frames": frames(table), "VMAF score": 50.0, "ExecFps": 3.5})


def json_3(table, version="3.2.0"):
    head = {"version": version, "fps": 25.0, "frames": frames(table)}
    return json.dumps({**head, "pooled_metrics": {}, "aggregate_metrics": {}}, indent=2)


def xml_1(table, model="vmaf_v0.6.1.pkl", version="1.3.15"):
    params = f'<params model="{model}" scaledWidth="64" scaledHeight="64" subsample="1" />'
    fyi = f'<fyi numOfFrames="{len(table["vmaf"])}" aggregateVMAF="50.0" execFps="3.5" />'
    return _xml(table, f'<?xml version="1.0"?>\n<VMAF version="{version}">', params + fyi)


def xml_3(table, version="3.2.0"):
    params = '<params qualityWidth="64" qualityHeight="64" />\n  <fyi fps="25.00" />'
    pooled = '<pooled_metrics><metric name="vmaf" min="1" max="2" /></pooled_metrics>'
    return _xml(table, f'<VMAF version="{version}">', params, pooled)


def _xml(table, root, before, after=""):
    lines = [
        f'    <frame frameNum="{n}" '
        + " ".join(f'{name}="{values[n]:.6f}"' for name, values in table.items())
        + " />\n"
        for n in range(len(table["vmaf"]))
    ]
    return f"{root}\n  {before}\n  <frames>\n{''.join(lines)}  </frames>\n{after}</VMAF>\n"


def csv_1(table):
    return _csv(table, "Frame,Width,Height,", "{n},64,64,")


def csv_3(table):
    return _csv(table, "Frame,", "{n},")


def _csv(table, head, start):
    lines = [
        start.format(n=n) + "".join(f"{values[n]:.6f}," for values in table.values()) + "\n"
        for n in range(len(table["vmaf"]))
    ]
    return f"{head}{''.join(f'{name},' for name in table)}\n{''.join(lines)}"

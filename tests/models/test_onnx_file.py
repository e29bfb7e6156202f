# SPDX-License-Identifier: Apache-2.0
import hashlib
from dataclasses import replace
from typing import get_args

import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from tinyvmaf.errors import ModelError
from tinyvmaf.models.network import Activation, Layer, Network
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.training.compiled_steps import forward

WIDTHS = ((), (16, 8), (64, 32))


def run_in_numpy(data, rows):
    # The evaluator's sigmoid overflows in a branch that it then leaves out.
    with np.errstate(over="ignore", invalid="ignore"):
        evaluator = ReferenceEvaluator(onnx.ModelProto.FromString(data))
        return evaluator.run(None, {"features": rows})[0]


def run_in_training(network, rows):
    inputs = ((rows - network.shift) / network.scale).T
    layers = [
        (jnp.asarray(layer.weight.T), jnp.asarray(layer.bias[:, None])) for layer in network.layers
    ]
    output = np.asarray(forward(layers, jnp.asarray(inputs), activation=network.activation))
    return np.clip(output * network.target_scale + network.target_shift, 0, 100)


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("widths", WIDTHS)
def test_a_thousand_rows_agree_between_training_numpy_graph_and_onnx_runtime(
    make_network, features, activation, widths
):
    network = make_network(activation, widths)
    data = to_onnx(network)
    rows = features.astype(np.float32)
    ours = network.predict(rows)
    graph = run_in_numpy(data, rows)
    runtime = onnxruntime.InferenceSession(data).run(["vmaf"], {"features": rows})[0]
    training = run_in_training(network, rows)
    assert ours.shape == graph.shape == runtime.shape == training.shape == (1000,)
    assert runtime.dtype == np.float32
    assert np.ptp(ours[:900]) > 5
    assert np.abs(training - ours).max() <= 1e-3
    assert np.abs(graph - ours).max() <= 1e-3
    assert np.abs(runtime - ours).max() <= 1e-3


def test_the_scores_stay_in_the_range_of_vmaf(make_network):
    network = make_network()
    rows = np.linspace(-1e6, 1e6, 600).reshape(100, 6).astype(np.float32)
    scores = onnxruntime.InferenceSession(to_onnx(network)).run(None, {"features": rows})[0]
    assert scores.min() >= 0
    assert scores.max() <= 100


@pytest.mark.parametrize("widths", WIDTHS)
def test_a_large_network_agrees_with_a_float64_reading(make_network, features, widths):
    network = make_network("tanh", widths)
    hidden = (features - network.shift.astype(float)) / network.scale.astype(float)
    for layer in network.layers[:-1]:
        hidden = np.tanh(hidden @ layer.weight.astype(float) + layer.bias)
    last = network.layers[-1]
    score = (hidden @ last.weight.astype(float) + last.bias)[:, 0] * 12.0 + 70.0
    assert np.abs(network.predict(features) - np.clip(score, 0, 100)).max() < 1e-3


def test_two_exports_are_equal_byte_for_byte(make_network):
    assert to_onnx(make_network()) == to_onnx(make_network())


def test_the_bytes_are_those_of_the_first_release():
    # Whole numbers only, so that the weights are the same on every machine.
    network = Network(
        features=("a", "b"),
        shift=np.zeros(2, np.float32),
        scale=np.ones(2, np.float32),
        layers=(Layer(weight=np.ones((2, 1), np.float32), bias=np.zeros(1, np.float32)),),
        activation="relu",
        target_shift=0.0,
        target_scale=1.0,
    )
    data = to_onnx(network)
    assert len(data) == 572
    assert hashlib.sha256(data).hexdigest() == (
        "be74d04c2f11007422a8e44fda91c06a755ab67994ffa5d20ca286f1db483776"
    )


def test_the_file_is_valid_and_says_what_it_is(network):
    model = onnx.ModelProto.FromString(to_onnx(network))
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert (model.ir_version, model.producer_name) == (8, "tinyvmaf")
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "tinyvmaf.features": "adm2,vif_scale0,vif_scale1,vif_scale2,vif_scale3,motion2"
    }
    assert {node.op_type for node in model.graph.node} == {
        *("Sub", "Div", "Gemm", "Sigmoid", "Mul", "Squeeze", "Add", "Clip")
    }


@pytest.mark.parametrize("activation", get_args(Activation))
def test_any_number_of_rows_can_be_scored(make_network, features, activation):
    session = onnxruntime.InferenceSession(to_onnx(make_network(activation)))
    for n in (0, 1, 7):
        scores = session.run(None, {"features": features[:n].astype(np.float32)})[0]
        assert scores.shape == (n,)


def test_a_weight_that_is_not_finite_is_refused(network):
    broken = replace(network.layers[0], bias=np.full(16, np.nan, np.float32))
    with pytest.raises(ModelError) as error:
        to_onnx(replace(network, layers=(broken, *network.layers[1:])))
    assert str(error.value) == (
        "cannot export: bias0 holds a value that is not finite; train again"
    )


def test_a_scale_of_zero_is_refused_by_the_name_of_the_feature(network):
    scale = network.scale.copy()
    scale[5] = 0
    with pytest.raises(ModelError) as error:
        to_onnx(replace(network, scale=scale))
    assert str(error.value) == (
        "cannot export: the scale of motion2 is 0; leave a constant feature out"
    )


def test_a_feature_name_with_a_comma_is_refused(network):
    with pytest.raises(ModelError, match="the feature name 'a,b' has a comma"):
        to_onnx(replace(network, features=("a,b", *network.features[1:])))

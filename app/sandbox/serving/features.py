"""The feature server, v1 (names in the body) and v2 (names in the path)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.sandbox.bodies import flag, items, rest_body, section, snake, text
from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, Reply
from app.sandbox.serving.values import data_type, effective_time, feature_value, slo_info, status_of
from app.sandbox.world.authority import workspace_roles
from app.sandbox.world.records import Feature, FeatureService

_READERS = frozenset({"owner", "editor", "consumer"})
_LOCATORS = ("workspace_name", "feature_service_name", "feature_service_id")
_MOST_ROWS = 10


def get_features(call: Call) -> Reply:
    """get-features: one row of values for `joinKeyMap`."""
    params = _params(call)
    service = _located(call, params)
    values = [feature_value(f, _join_keys(params)) for f in service.features]
    options = _options(params)
    metadata: Json = {}
    rows = [_described(call, f, options, status_of(v)) for f, v in zip(service.features, values, strict=True)]
    if any(rows):
        metadata["features"] = rows
    if "include_slo_info" in options:
        metadata["sloInfo"] = slo_info(1)
    return Reply(200, {"result": {"features": values}, **({"metadata": metadata} if metadata else {})})


def get_features_batch(call: Call) -> Reply:
    """get-features-batch: at most ten rows, for services that read from Redis."""
    params = _params(call)
    service = _located(call, params)
    if not service.batch:
        raise ApiError(400, "batch reads need a feature service with Redis feature views")
    table = [[feature_value(f, keys) for f in service.features] for keys in _batch_keys(params)]
    body: Json = {"result": [{"features": row} for row in table]}
    metadata = _batch_metadata(call, service, table, _options(params))
    return Reply(200, {**body, **({"metadata": metadata} if metadata else {})})


def service_metadata(call: Call) -> Reply:
    """metadata: the join keys, the request context and the features of a service."""
    service = _located(call, _params(call))
    body: Json = {
        "featureServiceType": "DEFAULT",
        "inputJoinKeys": _fields(service.join_keys),
        "inputRequestContextKeys": _fields(service.context_keys),
        "featureValues": [{"name": f.name, "dataType": data_type(f)} for f in service.features],
    }
    return Reply(200, {name: value for name, value in body.items() if value})


def _params(call: Call) -> Json:
    """Return `params` of the body in snake_case, with the names v2 has in its path."""
    body = rest_body(call, ("params",))
    params = {snake(name): value for name, value in section(body, "params").items()}
    in_path = {
        "workspace_name": call.params.get("workspace"),
        "feature_service_name": call.params.get("service"),
    }
    if in_path["workspace_name"] and params.get("feature_service_id"):
        raise ApiError(400, "a feature service id cannot be used here")
    return {**params, **{name: value for name, value in in_path.items() if value}}


def _located(call: Call, params: Json) -> FeatureService:
    """Return the feature service; raises ApiError 403 before it says 404."""
    workspace, name, uid = (text(params, locator) for locator in _LOCATORS)
    if not workspace or bool(name) == bool(uid):
        raise ApiError(400, "workspaceName and exactly one of featureServiceName and featureServiceId are needed")
    if not workspace_roles(call.tx.tables, call.caller.principal, workspace) & _READERS:
        raise ApiError(403, "Not Authorized. Role changes may take up to 60 seconds to be seen.")
    services = call.tx.tables.feature_services
    by_id = {service.workspace: service for service in services.find("uid", uid)}
    found = services.get(f"{workspace}/{name}") if name else by_id.get(workspace)
    if found is None:
        raise ApiError(404, f"unable to find feature service {name or uid!r} in workspace {workspace!r}")
    return found


def _join_keys(params: Json) -> Json:
    keys = section(params, "join_key_map")
    section(params, "request_context_map")
    scalar = all(isinstance(value, str | int | float) for value in keys.values())
    if not keys or not scalar:
        raise ApiError(400, "joinKeyMap must hold a text or number for every join key")
    return keys


def _batch_keys(params: Json) -> list[Json]:
    rows = items(params, "request_data")
    if not 0 < len(rows) <= _MOST_ROWS:
        raise ApiError(400, f"requestData must hold 1 to {_MOST_ROWS} rows")
    if not all(isinstance(row, dict) for row in rows):
        raise ApiError(400, "requestData must hold objects")
    return [_join_keys({snake(name): value for name, value in row.items()}) for row in rows]


def _options(params: Json) -> set[str]:
    """Return the metadataOptions that are on."""
    options = {snake(name): value for name, value in section(params, "metadata_options").items()}
    return {name for name in options if flag(options, name)}


def _described(call: Call, feature: Feature, options: Collection[str], status: Any) -> Json:
    """Return what the options ask for about one feature."""
    shown: Json = {"name": feature.name} if "include_names" in options else {}
    if "include_effective_times" in options:
        shown.update(effective_time(feature, call.now))
    if "include_data_types" in options:
        shown["dataType"] = data_type(feature)
    if "include_serving_status" in options:
        shown["status"] = status
    if "include_feature_descriptions" in options:
        shown["description"] = f"{feature.name} of the sandbox"
    if "include_feature_tags" in options:
        shown["tags"] = {"origin": "sandbox"}
    return shown


def _batch_metadata(
    call: Call, service: FeatureService, table: Sequence[Sequence[Any]], options: Collection[str]
) -> Json:
    columns = zip(*table, strict=True)
    rows = [
        _described(call, feature, options, [status_of(value) for value in column])
        for feature, column in zip(service.features, columns, strict=True)
    ]
    metadata: Json = {"features": rows} if any(rows) else {}
    if "include_slo_info" in options:
        metadata["sloInfo"] = [slo_info(1) for _ in table]
        metadata["batchSloInfo"] = slo_info(len(table))
    return metadata


def _fields(types: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "dataType": {"type": type_}} for name, type_ in types.items()]

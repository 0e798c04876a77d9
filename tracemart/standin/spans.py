"""OTLP trace exports, protobuf or JSON, as plain spans; what no server could store is refused whole."""

from __future__ import annotations

import binascii
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracemart.standin.problems import ApiError

MAXIMUM_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Span:
    """One span; ids are lower-case hex, times nanoseconds, `scope` and `resource` metadata as stored."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: dict[str, Any]
    failed: bool
    status_message: str


def read_spans(body: bytes, content_type: str, encoding: str) -> list[Span]:
    """Spans of an export; raises ApiError 400 with an `error` as the real server does."""
    if encoding == "gzip":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise _refusal("Failed to decompress gzip request body") from None
    if len(body) > MAXIMUM_BYTES:
        raise ApiError(413, {"message": "Body exceeded 64mb limit"})
    if "json" in content_type:
        try:
            content = json.loads(body or b"{}")
        except ValueError:
            raise _refusal("Failed to parse OTel JSON Trace") from None
        return _from_json(content if isinstance(content, dict) else {})
    try:
        return _from_protobuf(ExportTraceServiceRequest.FromString(body))
    except DecodeError:
        raise _refusal("Failed to parse OTel Protobuf Trace") from None


def _refusal(text: str) -> ApiError:
    return ApiError(400, {"error": text})


def _from_protobuf(request: ExportTraceServiceRequest) -> list[Span]:
    spans, problems, scopes = [], Counter[str](), set[str]()
    total = 0
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            scopes.add(scope.name)
            described = {"name": scope.name, "version": scope.version, "attributes": _attributes(scope.attributes)}
            for span in scope_spans.spans:
                total += 1
                problems.update(f"{key}:absent" for key, value in
                                (("traceId", span.trace_id), ("spanId", span.span_id)) if not value)  # fmt: skip
                spans.append(
                    Span(
                        span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex() or None, span.name,
                        span.start_time_unix_nano, span.end_time_unix_nano, _attributes(span.attributes),
                        resource, described, span.status.code == 2, span.status.message,
                    )
                )  # fmt: skip
    _raise_if(problems, total, scopes)
    return spans


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


def _from_json(content: dict[str, Any]) -> list[Span]:
    spans, problems, scopes = [], Counter[str](), set[str]()
    total = 0
    for resource_spans in _items(content, "resourceSpans"):
        resource = _json_attributes((resource_spans.get("resource") or {}).get("attributes"))
        for scope_spans in _items(resource_spans, "scopeSpans"):
            scope = scope_spans.get("scope") or {}
            scopes.add(scope.get("name", ""))
            described = {"name": scope.get("name", ""), "version": scope.get("version", ""),
                         "attributes": _json_attributes(scope.get("attributes"))}  # fmt: skip
            for span in _items(scope_spans, "spans"):
                total += 1
                found = list(_json_problems(span))
                problems.update(found)
                if not found:
                    spans.append(_json_span(span, resource, described))
    _raise_if(problems, total, scopes)
    return spans


def _items(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = content.get(key) or []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _json_problems(span: dict[str, Any]) -> Iterator[str]:
    for key in ("traceId", "spanId"):
        if not span.get(key):
            yield f"{key}:absent"
        elif not isinstance(span[key], str):
            yield f"{key}:wrong_type"
    for key in ("attributes", "events"):
        if not isinstance(span.get(key, []), list):
            yield f"{key}:not_an_array"


def _json_span(span: dict[str, Any], resource: dict[str, Any], scope: dict[str, Any]) -> Span:
    status = span.get("status") or {}
    return Span(
        str(span["traceId"]).lower(), str(span["spanId"]).lower(), span.get("parentSpanId") or None,
        span.get("name", ""), int(span.get("startTimeUnixNano") or 0), int(span.get("endTimeUnixNano") or 0),
        _json_attributes(span.get("attributes")), resource, scope,
        status.get("code") in (2, "STATUS_CODE_ERROR"), status.get("message", ""),
    )  # fmt: skip


def _json_attributes(pairs: Any) -> dict[str, Any]:
    if not isinstance(pairs, list):
        return {}
    return {pair["key"]: _json_value(pair.get("value") or {}) for pair in pairs if "key" in pair}


def _json_value(value: dict[str, Any]) -> Any:
    for kind, content in value.items():
        if kind == "intValue":
            return int(content)
        if kind == "arrayValue":
            return [_json_value(item) for item in content.get("values") or []]
        if kind == "kvlistValue":
            return _json_attributes(content.get("values"))
        if kind == "bytesValue":
            return binascii.a2b_base64(content)
        return content
    return None


def _raise_if(problems: Counter[str], total: int, scopes: set[str]) -> None:
    if not problems:
        return
    kinds = ", ".join(sorted(problems))
    if any(kind.endswith("not_an_array") for kind in problems):
        rule = (
            "scopeSpans, spans, attributes and events must all be arrays — OTLP attributes are a list of {key, value} "
            "entries, not a JSON object."
        )
    else:
        rule = "traceId and spanId are required on every span, and each must be a string or a byte array."
    raise _refusal(
        f"Invalid OTLP trace export: {max(problems.values())} of {total} span(s) cannot be processed ({kinds}). {rule} "
        f"The entire export was rejected and no spans were ingested. Instrumentation scopes: "
        f"{', '.join(sorted(scopes))}. This endpoint accepts OpenTelemetry traces only — if you are exporting "
        "OpenTelemetry logs, point your log exporter elsewhere."
    )

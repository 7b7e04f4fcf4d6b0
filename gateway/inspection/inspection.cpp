#include "gateway/inspection/inspection.hpp"

#include <algorithm>

#include "gateway/inspection/canonical_value.hpp"
#include "gateway/inspection/content_type.hpp"
#include "gateway/inspection/form_scanner.hpp"
#include "gateway/inspection/json_scanner.hpp"
#include "gateway/inspection/multipart_scanner.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

std::string normalized(Normalization how, std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (how == Normalization::digits && (c == ' ' || c == '-')) continue;
    const bool is_upper = how == Normalization::lower && c >= 'A' && c <= 'Z';
    out += is_upper ? static_cast<char>(c + 32) : c;
  }
  return out;
}

// Gateways of CGI and WSGI make one name of both.
bool is_same_header(std::string_view field, std::string_view name) {
  std::string dashed(name);
  std::ranges::replace(dashed, '_', '-');
  std::string own(field);
  std::ranges::replace(own, '_', '-');
  return equal_ignoring_case(own, dashed);
}

// The innermost key that a value stands under: `cards[0]` is one of `cards`.
std::string_view name_of(const JsonPath& path) {
  for (auto step = path.rbegin(); step != path.rend(); ++step)
    if (!step->is_index) return step->key;
  return {};
}

// One inspection: what was found so far, and which fields were there.
class Inspector {
 public:
  Inspector(const Route& route, const RequestTarget& target, const RequestView& request)
      : route_(route), target_(target), request_(request), seen_(route.fields.size(), 0) {}

  Understood<std::vector<Finding>> run() {
    NAE_UNDERSTAND(headers());
    NAE_UNDERSTAND(stray_parameters());
    if (route_.looks_into_query()) NAE_UNDERSTAND(form(Place::query, target_.query));
    if (route_.content == Content::json && !request_.body.empty()) NAE_UNDERSTAND(json());
    if (route_.content == Content::form) NAE_UNDERSTAND(form(Place::form, request_.body));
    if (route_.content == Content::multipart && !request_.body.empty()) NAE_UNDERSTAND(multipart());
    for (std::size_t i = 0; i < seen_.size(); ++i)
      if (route_.fields[i].required && seen_[i] == 0)
        return refuse(422, "field_missing", route_.fields[i].label() + " is missing");
    return std::move(findings_);
  }

 private:
  // `written`: decoded.
  Understood<void> handle(const Handling& handling, Finding found, JsonKind kind,
                          std::string_view written) {
    if (handling.treatment == Treatment::refuse)
      return refuse(422, "field_refused", found.label + " is not taken here");
    if (findings_.size() == kMaxFindings)
      return refuse(413, "too_many_values", "the request has too many values to encrypt");
    const auto& column = handling.column;
    const std::string text = normalized(handling.normalization, written);
    auto plaintext = canonical_value(column.type, column.deterministic, kind, text);
    if (!plaintext) return tl::unexpected(plaintext.error());
    found.column = &column;
    found.plaintext = *std::move(plaintext);
    if (!findings_.empty() && findings_.back().place == found.place && found.place == Place::json &&
        found.begin < findings_.back().end)
      return refuse(422, "field_overlap", "a field holds another one");
    findings_.push_back(std::move(found));
    return {};
  }

  // `name`: of the field that the value is in.
  Understood<void> detect(Finding found, JsonKind kind, std::string_view name,
                          std::string_view written) {
    for (const Detector& detector : route_.detectors) {
      if (!detector.finds(written, name)) continue;
      found.label += " (" + std::string(sensitive_name(detector.looks_for)) + ")";
      return handle(detector.handling, std::move(found), kind, written);
    }
    return {};
  }

  Understood<void> headers() {
    for (std::size_t at = 0; at < request_.headers.size(); ++at) {
      const auto& [name, value] = request_.headers[at];
      for (std::size_t i = 0; i < route_.fields.size(); ++i) {
        const Field& field = route_.fields[i];
        if (field.place != Place::header || !is_same_header(field.name, name)) continue;
        if (!equal_ignoring_case(field.name, name))
          return refuse(400, "field_ambiguous", "a name is nearly that of " + field.label());
        if (!is_utf8(value)) return refuse(400, "header_encoding", field.label() + " is not UTF-8");
        if (++seen_[i] > 1) return refuse(400, "field_twice", field.label() + " stands twice");
        NAE_UNDERSTAND(handle(field.handling,
                              Finding{Place::header, 0, 0, at, nullptr, field.label(), {}},
                              JsonKind::string, value));
      }
    }
    return {};
  }

  // Applications that take parameters of the body from the query, too, would have them in clear.
  Understood<void> stray_parameters() const {
    for (const Field& field : route_.fields) {
      if (field.place == Place::query || field.place == Place::header) continue;
      const std::string_view name =
          field.place == Place::json ? field.selector.outermost() : field.name;
      const bool is_known = std::ranges::any_of(route_.fields, [&](const Field& other) {
        return other.place == Place::query && other.name == name;
      });
      if (!name.empty() && !is_known && may_have_field(target_.query, name))
        return refuse(400, "field_ambiguous", field.label() + " stands in the query");
    }
    return {};
  }

  Understood<void> form(Place place, std::string_view text) {
    const std::size_t offset = place == Place::query ? target_.query_begin : 0;
    return scan_form(text, [&](const FormField& read) -> Understood<void> {
      // Rails and others go by such a field instead of the method.
      if (place == Place::form && (read.name == "_method" || is_form_variant(read.name, "_method")))
        return refuse(400, "method_override", "the body names another method");
      for (const Field& field : route_.fields)
        if (field.place == place && is_form_variant(read.name, field.name))
          return refuse(400, "field_ambiguous", "a name is nearly that of " + field.label());
      return form_value(Finding{place, read.begin + offset, read.end + offset, 0, nullptr, {}, {}},
                        read.name, read.value);
    });
  }

  Understood<void> form_value(Finding found, std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < route_.fields.size(); ++i) {
      const Field& field = route_.fields[i];
      if (field.place != found.place || name != field.name) continue;
      if (++seen_[i] > 1) return refuse(400, "field_twice", field.label() + " stands twice");
      found.label = field.label();
      // Where forms leave something empty it is not given.
      if (value.empty() && !field.required) return {};
      return handle(field.handling, std::move(found), JsonKind::string, value);
    }
    found.label = found.place == Place::query ? "query" : "form";
    return detect(std::move(found), JsonKind::string, name, value);
  }

  Understood<void> multipart() {
    std::string_view boundary;
    for (const auto& [name, value] : request_.headers)
      if (equal_ignoring_case(name, "content-type"))
        NAE_UNDERSTAND(
            check_parameters(split_content_type(value).parameters, Parameters::of_form, &boundary));
    return scan_multipart(request_.body, boundary,
                          [&](const FormPart& read) { return part(read); });
  }

  Understood<void> part(const FormPart& read) {
    // Also as readers have it that decode %XX in names, as browsers write them.
    if (may_have_field(read.name, "_method"))
      return refuse(400, "method_override", "the body names another method");
    for (const Field& field : route_.fields) {
      if (field.place != Place::part || !may_have_field(read.name, field.name)) continue;
      if (read.name != field.name)
        return refuse(400, "field_ambiguous", "a name is nearly that of " + field.label());
      if (read.is_file || !read.is_text)
        return refuse(422, "field_shape", field.label() + " is a file or of another type");
    }
    if (read.is_file) return {};
    const std::string_view value = request_.body.substr(read.begin, read.end - read.begin);
    // RFC 7578 section 4.6: the charset of the others.
    if (equal_ignoring_case(read.name, "_charset_") && !equal_ignoring_case(value, "utf-8"))
      return refuse(415, "charset_unsupported", "the form is not in UTF-8");
    if (!is_utf8(value) || value.find('\0') != value.npos)
      return refuse(400, "form_encoding", "a name or value is not UTF-8");
    return form_value(Finding{Place::part, read.begin, read.end, 0, nullptr, {}, {}}, read.name,
                      value);
  }

  // An application that looks for a value under another name or in another shape than the route
  // knows would have it in clear.
  Understood<void> check_shape(const JsonPath& path, JsonKind kind) const {
    bool fits = false, differs = false;
    const Field* near = nullptr;
    for (const Field& field : route_.fields) {
      if (field.place != Place::json) continue;
      if (field.selector.matches(path)) return {};
      if (field.selector.nearly_matches(path)) near = &field;
      const auto way = field.selector.on_the_way(path, kind);
      fits = fits || way == JsonSelector::Way::fits;
      differs = differs || way == JsonSelector::Way::differs;
    }
    if (near) return refuse(400, "field_ambiguous", "a key is nearly that of " + near->label());
    if (differs && !fits)
      return refuse(422, "field_shape", "the body has another shape than the route's fields");
    return {};
  }

  Understood<void> json() {
    return scan_json(request_.body, [&](const JsonPath& path, const JsonValue& value) {
      return json_value(path, value);
    });
  }

  Understood<void> json_value(const JsonPath& path, const JsonValue& value) {
    NAE_UNDERSTAND(check_shape(path, value.kind));
    Finding found{Place::json, value.begin, value.end, 0, nullptr, "json", {}};
    for (std::size_t i = 0; i < route_.fields.size(); ++i) {
      const Field& field = route_.fields[i];
      if (field.place != Place::json || !field.selector.matches(path)) continue;
      if (value.kind == JsonKind::null && !field.required) return {};  // NULL stays NULL
      if (value.kind == JsonKind::null)
        return refuse(422, "field_missing", field.label() + " is null");
      ++seen_[i];
      found.label = field.label();
      return handle(field.handling, std::move(found), value.kind, value.text);
    }
    const bool is_scalar = value.kind == JsonKind::string || value.kind == JsonKind::number;
    if (!is_scalar) return {};
    return detect(std::move(found), value.kind, name_of(path), value.text);
  }

  const Route& route_;
  const RequestTarget& target_;
  const RequestView& request_;
  std::vector<unsigned> seen_;
  std::vector<Finding> findings_;
};

}  // namespace

Understood<std::vector<Finding>> inspect(const Route& route, const RequestTarget& target,
                                         const RequestView& request) {
  return Inspector(route, target, request).run();
}

RewrittenRequest rewrite(const RequestView& request, const std::vector<Finding>& findings,
                         const std::vector<std::string>& ciphertexts) {
  RewrittenRequest out;
  for (const auto& [name, value] : request.headers) out.header_values.emplace_back(value);
  std::size_t target_at = 0, body_at = 0;
  ByteWriter body(out.body);
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& found = findings[i];
    const std::string& text = ciphertexts[i];
    switch (found.place) {
      case Place::header:
        out.header_values[found.header] = text;
        break;
      case Place::query:
        out.target += request.target.substr(target_at, found.begin - target_at);
        out.target += form_encoded(text);
        target_at = found.end;
        break;
      case Place::form:
      case Place::part:
      case Place::json:
        body.raw(as_bytes(request.body.substr(body_at, found.begin - body_at)));
        body.raw(as_bytes(found.place == Place::json   ? json_quoted(text)
                          : found.place == Place::form ? form_encoded(text)
                                                       : text));  // no '-': no boundary
        body_at = found.end;
        break;
    }
  }
  out.target += request.target.substr(target_at);
  body.raw(as_bytes(request.body.substr(body_at)));
  return out;
}

std::vector<AnswerFinding> inspect_answer(const Route& route, std::string_view body) {
  std::vector<AnswerFinding> findings;
  const auto visit = [&](const JsonPath& path, const JsonValue& value) -> Understood<void> {
    if (value.kind != JsonKind::string || !is_column_text(value.text)) return {};
    for (const AnswerField& field : route.answers) {
      if (!field.selector.matches(path)) continue;
      AnswerFinding found{value.begin, value.end, &field, {}, {}};
      auto parsed = parse_column_text(value.text, found.bytes);
      if (!parsed || !std::ranges::equal(parsed->header, field.column.header())) return {};
      found.value = *parsed;
      findings.push_back(std::move(found));
      return {};
    }
    return {};
  };
  if (!scan_json(body, visit)) findings.clear();
  return findings;
}

Bytes rewrite_answer(std::string_view body, const std::vector<AnswerFinding>& findings,
                     const std::vector<std::string>& texts) {
  Bytes out;
  ByteWriter writer(out);
  std::size_t at = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    writer.raw(as_bytes(body.substr(at, findings[i].begin - at)));
    writer.raw(as_bytes(texts[i]));
    at = findings[i].end;
  }
  writer.raw(as_bytes(body.substr(at)));
  return out;
}

}  // namespace nae::gateway

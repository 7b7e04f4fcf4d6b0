#include "gateway/inspection/multipart_scanner.hpp"

#include <gtest/gtest.h>

#include "gateway/inspection/inspection.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::gateway {
namespace {

const std::string kCard =
    "Content-Disposition: form-data; name=\"card\"\r\n\r\n4111 1111 1111 1111";

// A body of these parts, each its header and its content, with the boundary "b".
std::string body_of(const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) body += "--b\r\n" + part + "\r\n";
  return body + "--b--\r\n";
}

// What each part is, or why the body is refused.
std::string scanned(std::string_view body, std::string_view boundary = "b") {
  std::string all;
  const auto done = scan_multipart(body, boundary, [&](const FormPart& part) {
    all += std::string(part.name) +
           (part.is_file   ? " file"
            : part.is_text ? " text"
                           : " other") +
           "=" + std::string(body.substr(part.begin, part.end - part.begin)) + ";";
    return Understood<void>();
  });
  return done ? all : std::string(done.error().name);
}

RouteTable routes() {
  auto document = toml_fields::parse(R"(
[[route]]
name = "upload"
path = "/upload"
role = "web"
content = "multipart"
[[route.field]]
form = "card"
action = "encrypt"
key = "card"
[[route.detector]]
kind = "iban"
action = "refuse"
)",
                                     "routes", Code::config_invalid);
  toml_fields::Fields fields(*document, "routes", "", Code::config_invalid);
  auto read = read_routes(fields, "routes");
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
  return *std::move(read);
}

// What is forwarded, or why it is not.
std::string forwarded(const std::string& body,
                      std::string_view type = "multipart/form-data; boundary=b",
                      std::string_view target = "/upload") {
  static const RouteTable kTable = routes();
  const RequestView request{target, {{"Content-Type", type}}, body};
  const auto parsed = parse_target(target);
  if (auto good = check_content(kTable.routes()[0], request.headers); !good)
    return std::string(good.error().name);
  const auto found = inspect(kTable.routes()[0], *parsed, request);
  if (!found) return std::string(found.error().name);
  const std::vector<std::string> texts(found->size(), "nae1:AAAA");
  return std::string(as_text(rewrite(request, *found, texts).body));
}

TEST(MultipartScanner, ReadsPartsAsBrowsersWriteThem) {
  EXPECT_EQ(scanned(body_of({kCard})), "card text=4111 1111 1111 1111;");
  EXPECT_EQ(scanned("--b--"), "");
  EXPECT_EQ(scanned("--b--\r\n"), "");
  EXPECT_EQ(scanned(body_of({"Content-Disposition: form-data; name=\"a\"\r\n\r\n"})), "a text=;");
  EXPECT_EQ(scanned(body_of({"Content-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\n"})),
            "a file=;")
      << "no file was chosen";
  EXPECT_EQ(scanned(body_of(
                {"content-disposition:form-data;name=\"a b:c\" ; "
                 "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n",
                 "Content-Disposition: form-data; name=\"ü\"\r\nContent-Type: text/plain; "
                 "charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-Length: 8\r\n\r\n"
                 "one\r\ntwo",
                 "Content-Disposition: form-data; name=\"j\"\r\nContent-Type: "
                 "application/json\r\n\r\n{}"})),
            "a b:c file=\x89PNG\r\n\x1a\n;ü text=one\r\ntwo;j other={};");
}

TEST(MultipartScanner, RefusesWhatReadersReadDifferently) {
  const std::string good = body_of({kCard});
  for (const std::string& body : std::vector<std::string>{
           std::string(), std::string("--b"), std::string("--b-"), "\r\n" + good, "text\r\n" + good,
           good + "text", good + "\r\n", good.substr(0, good.size() - 4),
           std::string("--b \r\n--b--"), std::string("--b\n--b--"), "--b\r\n" + kCard + "\n--b--",
           "--b\r\n" + kCard + "--b--", "--b\r\n" + kCard + "\r\n--bb\r\n" + kCard + "\r\n--b--",
           body_of({kCard + "\n--b\nx"}), body_of({kCard + " --b "})})
    EXPECT_EQ(scanned(body), "multipart_malformed") << body;
  for (const std::string_view name : {" a", "a ", "a\u0085", "\u00a0a", "a\u3000", "\ufeff"})
    EXPECT_EQ(scanned(body_of(
                  {"Content-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\nx"})),
              "multipart_malformed")
        << name;
  const std::string disposition = "Content-Disposition: form-data; name=\"a\"";
  for (const std::string& header : std::vector<std::string>{
           std::string(), std::string("X: y"), "Content-Disposition: attachment; name=\"a\"",
           "Content-Disposition: form-data", "Content-Disposition: form-data; name=a",
           "Content-Disposition: form-data; name=\"a",
           "Content-Disposition: form-data; name=\"a\\\"\"", disposition + "; name=\"b\"",
           disposition + "; filename=\"x\"; filename=\"y\"", disposition + "; filename*=UTF-8''x",
           disposition + " x", disposition + "; size=1", disposition + "\r\n" + disposition,
           disposition + "\r\n folded: 1", disposition + "\r\nContent-Type : text/plain",
           disposition + "\r\nno field", disposition + "\nX: y", disposition + "\r\nX: \x01",
           disposition + "\r\nX_Y: z",
           disposition + "\r\nContent-Type: text/plain\r\nContent-Type: text/plain",
           // A reader that looks for one of these anywhere in the header finds another name.
           "X: Content-Disposition: form-data; name=card\r\n" + disposition,
           "Content-Type: text/plain; x=Content-Disposition: form-data; name=card\r\n" +
               disposition,
           "Content-Type: Content-Disposition: form-data; name=card\r\n" + disposition,
           std::string("Content-Disposition: form-data; name=\"x; name=card\""),
           std::string("Content-Disposition: form-data; filename=\"; name=card\"; name=\"x\""),
           std::string("Content-Disposition: form-data; filename=\"name=card\"; name=\"x\""),
           std::string("Content-Disposition: form-data; name=\"=?utf-8?B?Y2FyZA==?=\""),
           disposition + "; filename=\"\"", disposition + "\r\nContent-Length: many",
           disposition + "\r\nContent-Type: " + std::string(4096, 'x') + "/x"})
    EXPECT_NE(scanned(body_of({header + "\r\n\r\nx"})).find_first_of("_"), std::string::npos)
        << header << " " << scanned(body_of({header + "\r\n\r\nx"}));
  for (const auto& [line, name] :
       {std::pair("Content-Type: multipart/mixed; boundary=c", "multipart_nested"),
        std::pair("Content-Transfer-Encoding: base64", "part_encoding"),
        std::pair("Content-Transfer-Encoding: quoted-printable", "part_encoding"),
        std::pair("Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit",
                  "part_encoding"),
        std::pair("Content-Type: text/plain; charset=utf-16", "charset_unsupported"),
        std::pair("Content-Type: text/plain; format=flowed", "content_type_unexpected"),
        std::pair("Content-Type: text/plain; x=\";charset=utf-16\"", "content_type_unexpected")})
    EXPECT_EQ(scanned(body_of({disposition + "\r\n" + line + "\r\n\r\nx"})), name) << line;
  EXPECT_EQ(scanned(body_of({"Content-Disposition: form-data; name=\"\xff\"\r\n\r\nx"})),
            "form_encoding");
  EXPECT_EQ(scanned(body_of({disposition + "\r\n\r\n\ufeffx"})), "form_encoding");
}

TEST(MultipartInspection, ChangesTheValueAlone) {
  const std::string file =
      "Content-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n\xff\r\nx";
  EXPECT_EQ(
      forwarded(body_of({file, kCard, file})),
      body_of({file, "Content-Disposition: form-data; name=\"card\"\r\n\r\nnae1:AAAA", file}));
  // Where forms leave something empty it is not given.
  const std::string empty = body_of({"Content-Disposition: form-data; name=\"card\"\r\n\r\n"});
  EXPECT_EQ(forwarded(empty), empty);
  EXPECT_EQ(forwarded(body_of({kCard}), "multipart/form-data; charset=utf-8; boundary=\"b\""),
            body_of({"Content-Disposition: form-data; name=\"card\"\r\n\r\nnae1:AAAA"}));
}

TEST(MultipartInspection, LetsThroughWhatHasNoBody) {
  EXPECT_EQ(forwarded(""), "");
}

TEST(MultipartInspection, RefusesAValueThatWouldPassInClear) {
  const auto named = [](std::string_view name, std::string_view more = "",
                        std::string_view value = "x") {
    return body_of({"Content-Disposition: form-data; name=\"" + std::string(name) + "\"" +
                    std::string(more) + "\r\n\r\n" + std::string(value)});
  };
  EXPECT_EQ(forwarded(body_of({kCard, kCard})), "field_twice");
  for (const std::string_view near :
       {"Card", "card[]", "card[0]", "c%61rd", "card x", "card.x", "!card", "card(1)"})
    EXPECT_EQ(forwarded(named(near)), "field_ambiguous") << near;
  EXPECT_EQ(forwarded(named("card", "; filename=\"card\"")), "field_shape");
  EXPECT_EQ(forwarded(named("card", "\r\nContent-Type: application/json")), "field_shape");
  EXPECT_EQ(forwarded(named("_method")), "method_override");
  EXPECT_EQ(forwarded(named("_charset_", "", "utf-16")), "charset_unsupported");
  EXPECT_EQ(forwarded(named("other", "", "DE89 3704 0044 0532 0130 00")), "field_refused");
  EXPECT_EQ(forwarded(named("other", "", "\xff")), "form_encoding");
  EXPECT_EQ(forwarded(body_of({kCard}), "multipart/form-data; boundary=b", "/upload?card=1"),
            "field_ambiguous");
}

TEST(MultipartInspection, RefusesABoundaryThatHidesAnotherOne) {
  for (const std::string_view type :
       {"multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a b\"",
        "multipart/form-data; boundary*0=b", "multipart/form-data; x=\"; boundary=c\"; boundary=b",
        "multipart/form-data; boundary=a,b", "multipart/form-data; boundary= b",
        "multipart/form-data; boundary =b", "multipart/form-data; xboundary=a; boundary=b",
        "multipart/form-data; boundary=b; xboundary=a", "multipart/form-data; a=1; boundary=b",
        "application/x-www-form-urlencoded"})
    EXPECT_EQ(forwarded(body_of({kCard}), type), "content_type_unexpected") << type;
  EXPECT_EQ(forwarded(body_of({kCard}), "multipart/form-data; boundary=b; charset=utf-16"),
            "charset_unsupported");
}

}  // namespace
}  // namespace nae::gateway

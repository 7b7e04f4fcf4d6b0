#include "cli/server.hpp"

#include <curl/curl.h>

#include <cerrno>
#include <ctime>

#include "keyserver/admin/api/problem.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::cli {
namespace {

constexpr long kAccepted = 202;  // kept until it is approved
constexpr long kConnectSeconds = 10;
constexpr long kAnswerSeconds = 120;  // verifying a long audit log takes its time
// A server that is asked too often says when to come again. A loop in a shell waits that out; what
// takes longer is told.
constexpr std::uint32_t kMostWaitSeconds = 60;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kMaxAnswerBytes = 256u << 20;

struct Received {
  std::string body;
  static std::size_t append(char* data, std::size_t, std::size_t size, void* self) {
    auto& body = static_cast<Received*>(self)->body;
    if (size > kMaxAnswerBytes - body.size()) return 0;  // makes libcurl stop
    body.append(data, size);
    return size;
  }
};

// Up to a second more than was asked for: those who were turned away together do not come together.
void wait_politely(std::uint32_t seconds) {
  Byte drawn[4] = {};
  (void)crypto::random_bytes(drawn);
  std::uint32_t more = 0;
  for (Byte byte : drawn) more = more << 8 | byte;
  timespec left{static_cast<std::time_t>(seconds), static_cast<long>(more % kNanosecondsPerSecond)};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

// Answers that say that nothing was done, and when to come again. A server that waits to start says
// when as well, but does not answer so: whoever asks for its state wants to know it now.
bool is_turned_away(const Error& error) {
  return error.code == Code::limit_exceeded || error.code == Code::overloaded;
}

Error transport_error(CURLcode code, const std::string& server, const char* detail) {
  std::string message =
      "cannot talk to " + server + ": " + (*detail ? detail : curl_easy_strerror(code));
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {Code::timeout, message, "Check the address, the network and the key server."};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_RECV_ERROR:  // TLS 1.3: a refused client certificate shows on the first read
      return {Code::tls_failed, message,
              "Check that --authority issued the server's certificate, that it names this host, "
              "and that --certificate and --key belong together and are still valid."};
    default:
      return {Code::server_unavailable, message,
              "Check that nae-keyserver runs and listens at this address."};
  }
}

// A change may have been made although no answer came: only where none was sent it was not.
bool may_be_done(const char* method, CURLcode code) {
  return std::string_view(method) != "GET" && code != CURLE_COULDNT_CONNECT &&
         code != CURLE_COULDNT_RESOLVE_HOST && code != CURLE_SSL_CONNECT_ERROR &&
         code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CERTPROBLEM &&
         code != CURLE_SSL_CACERT_BADFILE;
}

class CurlServer final : public Server {
 public:
  CurlServer(CURL* curl, const Profile& profile)
      : curl_(curl), server_(profile.server), authority_(profile.authority) {
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_CAINFO, profile.authority.c_str());
    set(CURLOPT_CAPATH, nullptr);  // that authority alone, not the system's
    set(CURLOPT_SSLCERT, profile.certificate.c_str());
    set(CURLOPT_SSLKEY, profile.key.c_str());
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_TIMEOUT, kAnswerSeconds);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_USERAGENT, "nae");
    set(CURLOPT_ERRORBUFFER, detail_);
    set(CURLOPT_WRITEFUNCTION, &Received::append);
  }

  bool complete() const { return refused_ == CURLE_OK; }
  const std::filesystem::path& authority() const override { return authority_; }

  Outcome<json::value> call(const char* method, const std::string& path,
                            const json::object& body) override {
    std::uint32_t waited = 0;
    for (;;) {
      auto answer = call_once(method, path, body);
      if (answer || !answer.error().from_server || !is_turned_away(answer.error().error))
        return answer;
      curl_off_t retry_after = 0;
      curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &retry_after);
      if (retry_after < 1 || retry_after >= kMostWaitSeconds - waited) return answer;
      wait_politely(static_cast<std::uint32_t>(retry_after));
      waited += static_cast<std::uint32_t>(retry_after) + 1;  // with what politeness adds
    }
  }

 private:
  Outcome<json::value> call_once(const char* method, const std::string& path,
                                 const json::object& body) {
    Received received;
    std::string text = body.empty() ? std::string() : json::serialize(body);
    handle<curl_slist, curl_slist_free_all> headers(
        curl_slist_append(nullptr, "Accept: application/json"));
    if (!body.empty()) curl_slist_append(headers.get(), "Content-Type: application/json");
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_URL, (server_ + path).c_str());
    // A body of POST without one still says Content-Length: 0.
    bool sends = !body.empty() || std::string_view(method) != "GET";
    set(CURLOPT_HTTPGET, 1L);
    if (sends) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(text.size()));
      set(CURLOPT_POSTFIELDS, text.c_str());
    }
    set(CURLOPT_CUSTOMREQUEST, method);
    set(CURLOPT_WRITEDATA, &received);
    detail_[0] = '\0';
    CURLcode code = refused_ == CURLE_OK ? curl_easy_perform(curl_.get()) : refused_;
    set(CURLOPT_HTTPHEADER, nullptr);
    if (code != CURLE_OK) {
      Error error = transport_error(code, server_, detail_);
      if (may_be_done(method, code))
        error.message += "; whether the change was made is not known: look before you repeat it";
      return tl::unexpected<Failure>(std::move(error));
    }

    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300) {
      Error error = admin::api::problem_from_json(static_cast<unsigned>(status), received.body);
      auto done = admin::api::answer_of_problem(received.body);
      if (!done || !behind) return tl::unexpected<Failure>(Failure(std::move(error), true));
      *behind = std::move(error);
      return json::value(*std::move(done));
    }
    boost::system::error_code malformed;
    json::value answer = json::parse(received.body, malformed);
    if (malformed)
      return tl::unexpected<Failure>(Failure(
          Error(Code::internal, "the server's answer is not JSON: " + malformed.message()), true));
    if (status == kAccepted) return tl::unexpected<Failure>(waiting_for(answer));
    return answer;
  }

  static Failure waiting_for(const json::value& answer) {
    const json::value* approval =
        answer.is_object() ? answer.get_object().if_contains("approval") : nullptr;
    if (!approval || !approval->is_object())
      return {Error(Code::internal, "the server accepted the request and does not say as what"),
              true};
    Failure failure(Error(Code::approval_required, "the request waits for approval"), true);
    failure.waiting = *approval;
    return failure;
  }

  // An option that this libcurl does not know must not be left out in silence.
  template <class T>
  void set(CURLoption option, T value) {
    CURLcode code = curl_easy_setopt(curl_.get(), option, value);
    if (code != CURLE_OK && refused_ == CURLE_OK) refused_ = code;
  }

  handle<CURL, curl_easy_cleanup> curl_;
  std::string server_;
  std::filesystem::path authority_;
  CURLcode refused_ = CURLE_OK;
  char detail_[CURL_ERROR_SIZE] = {};
};

bool is_unreserved(char c) {  // RFC 3986 section 2.3
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Outcome<std::unique_ptr<Server>> Server::open(const Profile& profile) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* curl = started == CURLE_OK ? curl_easy_init() : nullptr;
  if (!curl) return tl::unexpected<Failure>(Error(Code::internal, "libcurl does not start"));
  auto server = std::make_unique<CurlServer>(curl, profile);
  if (!server->complete())
    return tl::unexpected<Failure>(
        Error(Code::tls_failed, "this libcurl lacks an option that protects the connection"));
  return server;
}

std::string with_parameters(std::string path, Parameters parameters) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    path.append(1, separator).append(name).append("=");
    for (char c : value) {
      if (is_unreserved(c)) {
        path.push_back(c);
      } else {
        auto byte = static_cast<unsigned char>(c);
        path.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
      }
    }
    separator = '&';
  }
  return path;
}

}  // namespace nae::cli

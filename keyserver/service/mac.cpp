#include <algorithm>

#include "keyserver/keys/state.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"
#include "libnae/crypto/kdf.hpp"

namespace nae::service {
namespace {

using keys::MacPurpose;

// What codes of a key look like, and so who computes them.
Format format_of(const keys::Key& key) {
  if (key.type == KeyType::hmac_sha_256_raw) return Format::hmac_sha_256_raw;
  return key.protection == keys::Protection::hsm_only ? Format::hmac_sha_256_hsm
                                                      : Format::hmac_sha_256;
}

MacPurpose purpose_of(const wire::CryptoHeader& header) {
  switch (static_cast<wire::MacForm>(header.algorithm)) {
    case wire::MacForm::code:
      return MacPurpose::code;
    case wire::MacForm::blind_index:
      return MacPurpose::blind_index;
    case wire::MacForm::blind_index_code:
    case wire::MacForm::blind_index_search:
      break;
  }
  return MacPurpose::blind_index_code;
}

std::size_t bytes_of(MacPurpose purpose) {
  switch (purpose) {
    case MacPurpose::code:
      return crypto::kMacTokenBytes;
    case MacPurpose::blind_index:
      return kBlindIndexBytes;
    case MacPurpose::blind_index_code:
      break;
  }
  return kBlindIndexCodeBytes;
}

// HMACs that the HSM computes itself, in the order of the items: 10 us each on SoftHSM2.
constexpr std::size_t kCodesPerJob = 4096;

Result<Bytes> code_in_hsm(keys::Hsm& hsm, const keys::Key& key, const keys::Version& version,
                          MacPurpose purpose, ByteView data) {
  const keys::HsmKey in_hsm = keys::hsm_key(key, version);
  Bytes token(crypto::kMacTokenBytes);
  write_token_header(token.data(), static_cast<std::uint8_t>(format_of(key)), in_hsm.id);
  NAE_TRY(
      hsm.mac(in_hsm, keys::key_purpose(purpose), data, ByteSpan(token).last<keys::kHmacBytes>()));
  return token;
}

HsmWork compute_some(const Request& request, const Granted& granted, MacPurpose purpose) {
  return [key = granted.key, number = granted.version->number, purpose,
          first = request.prepared.results.size()](
             keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
    Prepared prepared;
    auto items = view.items.cursor();
    for (std::size_t i = 0; i < first; ++i) static_cast<void>(items.next());
    const std::size_t end = std::min<std::size_t>(first + kCodesPerJob, view.items.count());
    for (std::size_t i = first; i < end; ++i) {
      NAE_ASSIGN(Bytes token, code_in_hsm(hsm, *key, *key->version(number), purpose, items.next()));
      prepared.results.push_back(std::move(token));
    }
    return prepared;
  };
}

// What leaves of a token that the HSM computed; `out` is bytes_of(purpose) long.
void show(ByteView token, MacPurpose purpose, ByteSpan out) {
  if (purpose == MacPurpose::code) {
    std::ranges::copy(token, out.begin());
    return;
  }
  if (purpose == MacPurpose::blind_index_code)
    write_blind_index_header(out.data(), Format::blind_index_hsm, parse_token(token)->key.version);
  std::ranges::copy(token.subspan(kTokenHeaderBytes, kBlindIndexBytes),
                    out.last(kBlindIndexBytes).begin());
}

Outcome mac_in_hsm(Request& request, const Granted& granted, MacPurpose purpose) {
  if (purpose != MacPurpose::code && granted.key->type == KeyType::hmac_sha_256_raw)
    return Refused{Error(Code::key_type, "keys of type hmac-sha-256-raw make no blind indexes",
                         "Use a key of type hmac-sha-256."),
                   granted.key->name, granted.decision};
  auto& results = request.prepared.results;
  // What was computed under a version that is no longer the one to use does not leave.
  if (!results.empty() && parse_token(results.front())->key.version != granted.version->number)
    results.clear();
  if (results.size() < request.count()) return compute_some(request, granted, purpose);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(),
                                request.count() * bytes_of(purpose));
  for (const Bytes& token : results) {
    show(token, purpose, reply.begin_item(bytes_of(purpose)));
    reply.finish_item(wire::ItemResult::value, bytes_of(purpose));
  }
  reply.finish();
  return served(granted, request.count(), 0);
}

// The working key of one version, or the job that derives it.
std::variant<std::shared_ptr<const crypto::MacWorkingKey>, HsmWork> working_key(
    const Request& request, const keys::KeyPointer& key, std::uint16_t version,
    MacPurpose purpose) {
  const KeyVersionId id{key->id, version};
  if (request.prepared.mac && request.prepared.mac->id == id) return request.prepared.mac;
  if (auto found = request.parts.working_keys.find_mac(id, purpose)) return found;
  return HsmWork(
      [&working_keys = request.parts.working_keys, key, version, purpose, party = request.party()](
          keys::Hsm& hsm, const wire::CryptoRequestView&) -> Result<Prepared> {
        Prepared prepared;
        NAE_ASSIGN(prepared.mac, working_keys.derive_mac(hsm, *key, version, purpose, party));
        return prepared;
      },
      working_key_name("mac" + std::to_string(static_cast<int>(purpose)), id));
}

// `out` is bytes_of(purpose) long.
void write(const crypto::MacWorkingKey& key, MacPurpose purpose, ByteView data, ByteSpan out) {
  switch (purpose) {
    case MacPurpose::code:
      return crypto::write_mac(key, data, out.first<crypto::kMacTokenBytes>());
    case MacPurpose::blind_index:
      return crypto::write_blind_index(key, data, out.first<kBlindIndexBytes>());
    case MacPurpose::blind_index_code:
      return crypto::write_blind_index_code(key, data, out.first<kBlindIndexCodeBytes>());
  }
}

// Verifies the codes of one request; holds the working key of the version that the last one named.
class MacVerifier {
 public:
  MacVerifier(Request& request, const keys::KeyPointer& key) : request_(request), key_(key) {}

  // True, false, why it cannot be said, or the work that must come first.
  std::variant<Result<bool>, HsmWork> verify(std::uint32_t index, ByteView data, ByteView code) {
    auto token = parse_token(code);
    if (!token || !is_mac_format(token->format))
      return Result<bool>(fail(Code::signature_malformed, {}));
    if (token->format != static_cast<std::uint8_t>(format_of(*key_))) return Result<bool>(false);
    const keys::Version* version =
        token->key.key == key_->id ? key_->version(token->key.version) : nullptr;
    if (!version) return Result<bool>(false);  // a code by another key is not one by this key
    if (!keys::permits(version->state, Action::mac_verify))
      return Result<bool>(fail(Code::key_state, {}));
    if (computed_in_hsm()) {
      if (index >= request_.prepared.results.size()) return compute_expected();
      // Empty: the version could not serve when the HSM was asked.
      const Bytes& expected = request_.prepared.results[index];
      if (expected.empty()) return Result<bool>(fail(Code::key_state, {}));
      tally.add(*version);
      return Result<bool>(crypto::equal_in_constant_time(expected, code));
    }
    if (!working_ || working_->id != token->key) {
      auto found = working_key(request_, key_, version->number, MacPurpose::code);
      if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);
      working_ = std::get<0>(found);
    }
    tally.add(*version);
    return crypto::verify_mac(*working_, data, *token);
  }

  VersionTally tally;

 private:
  bool computed_in_hsm() const { return format_of(*key_) != Format::hmac_sha_256; }

  // The codes of the items that follow, each under the version that its own code names.
  HsmWork compute_expected() const {
    return [key = key_, first = request_.prepared.results.size()](
               keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
      Prepared prepared;
      auto items = view.items.cursor(), codes = view.seconds.cursor();
      const std::size_t end = std::min<std::size_t>(first + kCodesPerJob, view.items.count());
      for (std::size_t i = 0; i < end; ++i) {
        const ByteView data = items.next(), code = codes.next();
        if (i < first) continue;
        const auto token = parse_token(code);
        const keys::Version* version =
            token && token->key.key == key->id ? key->version(token->key.version) : nullptr;
        Bytes expected;
        if (version && keys::permits(version->state, Action::mac_verify)) {
          NAE_ASSIGN(expected, code_in_hsm(hsm, *key, *version, MacPurpose::code, data));
        }
        prepared.results.push_back(std::move(expected));
      }
      return prepared;
    };
  }

  Request& request_;
  const keys::KeyPointer& key_;
  std::shared_ptr<const crypto::MacWorkingKey> working_;
};

}  // namespace

Outcome mac(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.header().algorithm > static_cast<std::uint8_t>(wire::MacForm::blind_index_search))
    return Refused{Error(Code::unsupported, "unknown form of message authentication code"),
                   granted.key->name, granted.decision};
  const MacPurpose purpose = purpose_of(request.header());
  if (format_of(*granted.key) != Format::hmac_sha_256) return mac_in_hsm(request, granted, purpose);
  auto found = working_key(request, granted.key, granted.version->number, purpose);
  if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);

  const std::size_t bytes = bytes_of(purpose);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), request.count() * bytes);
  auto items = request.view.items.cursor();
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    write(*std::get<0>(found), purpose, items.next(), reply.begin_item(bytes));
    reply.finish_item(wire::ItemResult::value, bytes);
  }
  reply.finish();
  return served(granted, request.count(), 0);
}

Outcome mac_verify(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  const std::size_t start = request.out.size();
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), request.count());
  MacVerifier verifier(request, granted.key);
  auto items = request.view.items.cursor();
  auto codes = request.view.seconds.cursor();
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    ByteView data = items.next();
    auto verified = verifier.verify(i, data, codes.next());
    if (auto* work = std::get_if<HsmWork>(&verified)) {
      request.out.resize(start);
      return std::move(*work);
    }
    failed += answer(reply, std::get<Result<bool>>(verified)) ? 0 : 1;
  }
  reply.finish();
  Served done = served(granted, request.count(), failed);
  done.counts = verifier.tally.take();
  return done;
}

}  // namespace nae::service

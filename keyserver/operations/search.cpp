#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/authorize.hpp"

namespace nae::operations {
namespace {

using keys::MacPurpose;

// The working key of one version, or the job that derives it.
std::variant<std::shared_ptr<const crypto::MacWorkingKey>, HsmWork> search_key(
    const Request& request, const Granted& granted) {
  const KeyVersionId id{granted.key->id, granted.version->number};
  const auto fits = [&](const crypto::MacWorkingKey& made) { return made.id == id; };
  if (auto made = request.progress.prepared.find<crypto::MacWorkingKey>(fits)) return made;
  if (auto found = request.parts.working_keys.find_mac(id, MacPurpose::search)) return found;
  return HsmWork(
      [&working_keys = request.parts.working_keys, key = granted.key, version = id.version,
       party = request.party()](keys::Hsm& hsm, const CryptoRequest&) -> Result<Prepared> {
        Prepared prepared;
        NAE_ASSIGN(auto made,
                   working_keys.derive_mac(hsm, *key, version, MacPurpose::search, party));
        prepared.keys.emplace_back(std::move(made));
        return prepared;
      },
      working_key_name("search", id));
}

// Answers how many items failed.
std::uint32_t code_all(Request& request, const crypto::MacWorkingKey& key) {
  request.answer.begin(request.count(), request.asked.data_bytes());
  std::uint32_t failed = 0;
  SearchInputView input;
  for (const ByteView item : request.asked.items) {
    if (!parse_search_input(item, input)) {
      request.answer.fail_item(Code::invalid_argument);
      ++failed;
      continue;
    }
    const std::size_t bytes = std::size_t{input.count} * kSearchCodeBytes;
    crypto::write_search_codes(key, input, request.answer.begin_item(bytes));
    request.answer.finish_item(policy::Verdict::value, bytes);
  }
  return failed;
}

}  // namespace

Outcome search(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.asked.algorithm > static_cast<std::uint8_t>(SearchForm::searched))
    return Refused{Error(Code::unsupported, "unknown form of search"), granted.key->name,
                   granted.decision};
  if (granted.key->protection == keys::Protection::hsm_only)
    return Refused{Error(Code::key_type,
                         "key \"" + granted.key->name + "\" is hsm-only and makes no search codes",
                         "A column of such a key is searched by a blind index with another key."),
                   granted.key->name, granted.decision};
  auto found = search_key(request, granted);
  if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);
  const std::uint32_t failed = code_all(request, *std::get<0>(found));
  const auto tokens = static_cast<std::uint32_t>(charged_items(request.asked));
  return served(granted, tokens, failed);
}

}  // namespace nae::operations

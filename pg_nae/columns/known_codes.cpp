#include "pg_nae/columns/known_codes.hpp"

#include <algorithm>

#include "libnae/envelope/blind_index.hpp"
#include "pg_nae/columns/coding_function.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/search_input.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/values.hpp"

extern "C" {
#include "catalog/pg_collation.h"
}

namespace nae::columns {
namespace {

constexpr std::string_view kLower = "lower";

Oid own_function(const char* name, std::initializer_list<Oid> types) {
  List* words = list_make2(makeString(pstrdup("nae_internal")), makeString(pstrdup(name)));
  return LookupFuncName(words, static_cast<int>(types.size()), types.begin(), true);
}

bool may_call(Oid function, Oid role) {
  if (!OidIsValid(function)) return false;
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
  return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// In the current memory context: names outlive what they were read from.
std::string_view utf8_of(std::string_view text) {
  return as_text(pg::to_utf8(as_bytes(text)));
}

// What of a value is coded, as nae_internal.normalized() has it; false where its text cannot be
// had.
bool normalize(const Coding& coding, ByteView canonical, ByteView& coded) {
  coded = canonical;
  if (coding.type == PlainType::text && coding.normalization != kLower) return true;
  Datum value;
  if (coding.normalization == kLower) {
    ByteView text;
    if (coding.type != PlainType::text || !pg::try_from_utf8(canonical, text)) return false;
    value = DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID, pg::make_text(text));
  } else {
    value = plain_value(coding.type, canonical);
  }
  coded = canonical_form(coding.type, value, true);
  return true;
}

// Of a size that may be sent; the trigger refuses the rest in its own words.
bool fits(const Value& value) {
  const std::size_t bytes = value.ciphertext.envelope.size();
  return bytes <= pg::settings.max_value_bytes() + kGcmOverheadBytes &&
         pg::fits_a_frame(bytes + kColumnAadBytes);
}

}  // namespace

KnownCodes* KnownCodes::all_ = nullptr;

void KnownCodes::create(const Coding& coding, const pg::StatementRoles& writer) {
  coding_ = &coding;
  reference_ = psprintf("%s:%s", coding.key.data(), coding.version.data());
  context_ = utf8_of(coding.context);
  purpose_ = utf8_of(coding.purpose);
  if (coding.is_search) {
    declaration_ = utf8_of(coding.normalization);
    mark_ = search_mark_of(reference_, {purpose_, context_, declaration_});
  }
  owner_ = writer;
  owner_.effective = coder_of(coding);
  is_refused_ = !OidIsValid(owner_.effective) || !may_call(coding.decrypt, owner_.effective) ||
                !may_call(own_function(coding.is_search ? "search_codes" : "blind_index_code",
                                       {TEXTOID, BYTEAOID}),
                          owner_.effective);
  MemoryContext statement = CurrentMemoryContext;
  arena_.create();
  table_.create(statement, arena_);
  exchange_.create(statement, owner_);
  memory_ = AllocSetContextCreate(statement, "nae known codes", ALLOCSET_DEFAULT_SIZES);
  next_ = all_;
  all_ = this;
  at_end_.func = [](void* self) {
    for (KnownCodes** at = &all_; *at != nullptr; at = &(*at)->next_) {
      if (*at != self) continue;
      *at = (*at)->next_;
      return;
    }
  };
  at_end_.arg = this;
  MemoryContextRegisterResetCallback(statement, &at_end_);
}

// A change of the column brings the codes along, or keeps the values that they are of.
bool KnownCodes::may_ask() {
  if (is_settled_ || is_refused_) return !is_refused_;
  is_settled_ = true;
  const Oid is_changing = own_function("is_changing", {});
  is_refused_ = !OidIsValid(is_changing) || DatumGetBool(OidFunctionCall0(is_changing));
  return !is_refused_;
}

// The policy has not changed since, nor his memberships.
bool KnownCodes::may_take_plaintexts() const {
  pg::hear_news();
  return seen_reading_.is_known() && seen_reading_ == pg::standing_of(pg::role_key_of(owner_)) &&
         pg::monotonic_ms() - opened_ms_ < DecryptedValues::kMostAgeMs;
}

void KnownCodes::gather(std::span<const WrittenValue> values) {
  const bool takes_plaintexts = may_take_plaintexts();
  asked_ = static_cast<Asked*>(palloc(sizeof(Asked) * values.size()));
  inputs_ = static_cast<ByteView*>(palloc(sizeof(ByteView) * values.size()));
  entries_ = static_cast<ValueTable::Entry**>(palloc(sizeof(ValueTable::Entry*) * values.size()));
  asked_count_ = decrypted_count_ = input_count_ = 0;
  for (const WrittenValue& written : values) {
    Value value;
    if (!try_read_value(pg::local_view(written.stored), value) || value.pending ||
        value.type != coding_->type || !belongs(value, *coding_->of) || !fits(value))
      continue;
    const std::uint32_t hash = ValueTable::hash_of(value.stored);
    if (table_.find(hash, value.stored) != nullptr) continue;
    auto* key = reinterpret_cast<Byte*>(arena_.allocate(value.stored.size()));
    std::copy(value.stored.begin(), value.stored.end(), key);
    ValueTable::Entry* entry = &table_.add(hash, {key, value.stored.size()});
    (newest_ == nullptr ? first_ : newest_->follower) = entry;
    newest_ = entry;
    if (takes_plaintexts && written.has_plaintext)
      add_input(entry, written.plaintext);
    else
      asked_[asked_count_++] = {value.ciphertext.envelope, associated_data(value.ciphertext.header),
                                entry};
  }
}

// Where to put a code, of so many bytes.
char* KnownCodes::room_for(ValueTable::Entry* entry, std::size_t bytes) {
  char* room = arena_.allocate(bytes);
  entry->value.bytes = {reinterpret_cast<Byte*>(room), bytes};
  return room;
}

// A value without a token has no codes, and nobody is asked.
void KnownCodes::add_tokens(ValueTable::Entry* entry, ByteView canonical) {
  ByteView made;
  const SearchOf of{purpose_, context_, declaration_};
  const SearchInput result = columns::value_input(of, coding_->type, canonical, made);
  if (result == SearchInput::no_token)
    write_search_codes({}, mark_, room_for(entry, search_codes_bytes(0)));
  if (result != SearchInput::made || !pg::fits_a_frame(made.size())) return forget_search_input();
  auto* input = reinterpret_cast<Byte*>(arena_.allocate(made.size()));
  std::copy(made.begin(), made.end(), input);
  entries_[input_count_] = entry;
  inputs_[input_count_++] = {input, made.size()};
  forget_search_input();
}

// What the code of a value is computed of.
void KnownCodes::add_input(ValueTable::Entry* entry, ByteView canonical) {
  if (coding_->is_search) return add_tokens(entry, canonical);
  ByteView value;
  if (!normalize(*coding_, canonical, value)) return;
  const std::size_t bytes = blind_index_input_bytes(purpose_, context_, value);
  if (!pg::fits_a_frame(bytes) || bytes > pg::settings.max_value_bytes()) return;
  auto* input = reinterpret_cast<Byte*>(arena_.allocate(bytes));
  write_blind_index_input(purpose_, context_, value, input);
  entries_[input_count_] = entry;
  inputs_[input_count_++] = {input, bytes};
}

// Decrypts what is not known in clear.
void KnownCodes::open(pg::Traffic& traffic) {
  auto* items = static_cast<ByteView*>(palloc(sizeof(ByteView) * asked_count_ * 2));
  ByteView* aads = items + asked_count_;
  bool one_aad = true;
  for (std::size_t i = 0; i < asked_count_; ++i) {
    items[i] = asked_[i].envelope;
    aads[i] = asked_[i].aad;
    one_aad = one_aad && aads[i].data() == aads[0].data();
  }
  wire::CryptoRequest request;
  request.header.action = Action::decrypt;
  request.header.key = coding_->of->key;
  request.header.query_id = pgstat_get_my_query_id();
  request.items = {items, asked_count_};
  request.aad = {aads, one_aad ? 1 : asked_count_};
  pg::ExchangeAnswers answers{};
  answers.state = this;
  answers.consume = [](void* state, std::size_t, std::size_t first,
                       const wire::CryptoReplyView& reply) {
    auto& self = *static_cast<KnownCodes*>(state);
    wire::each_item(reply, [&](std::size_t number, std::uint16_t status, ByteView canonical) {
      // A mask has no code: the trigger refuses it.
      if (status != static_cast<std::uint16_t>(wire::ItemResult::value)) return;
      ++self.decrypted_count_;
      self.add_input(self.asked_[first + number].entry, canonical);
    });
  };
  answers.refuse = [](void*, std::size_t, std::size_t, std::size_t, const backend::Failure&) {};
  exchange_.prepare({&request, 1}, answers, traffic);
  exchange_.finish();
  seen_reading_ = {};
  if (decrypted_count_ == asked_count_) seen_reading_ = pg::standing_of(pg::role_key_of(owner_));
}

void KnownCodes::keep(ValueTable::Entry* entry, ByteView code) {
  if (coding_->is_search) {
    write_search_codes(code, mark_, room_for(entry, search_codes_bytes(code.size())));
    return;
  }
  char* kept = room_for(entry, VARHDRSZ + code.size());
  SET_VARSIZE(kept, VARHDRSZ + code.size());
  std::copy(code.begin(), code.end(), kept + VARHDRSZ);
}

void KnownCodes::code(pg::Traffic& traffic) {
  wire::CryptoRequest request;
  request.header.action = coding_->is_search ? Action::search : Action::mac;
  request.header.algorithm = coding_->is_search
                                 ? static_cast<std::uint8_t>(SearchForm::stored)
                                 : static_cast<std::uint8_t>(MacForm::blind_index_code);
  request.header.key = reference_;
  request.header.query_id = pgstat_get_my_query_id();
  request.items = {inputs_, input_count_};
  pg::ExchangeAnswers answers{};
  answers.state = this;
  answers.consume = [](void* state, std::size_t, std::size_t first,
                       const wire::CryptoReplyView& reply) {
    auto& self = *static_cast<KnownCodes*>(state);
    wire::each_item(reply, [&](std::size_t number, std::uint16_t status, ByteView code) {
      if (status != static_cast<std::uint16_t>(wire::ItemResult::value)) return;
      self.keep(self.entries_[first + number], code);
    });
  };
  answers.refuse = [](void*, std::size_t, std::size_t, std::size_t, const backend::Failure&) {};
  exchange_.prepare({&request, 1}, answers, traffic);
  exchange_.finish();
}

void KnownCodes::ask(std::span<const WrittenValue> values, pg::Traffic& traffic) {
  arena_.reset();
  table_.clear();
  first_ = newest_ = last_found_ = nullptr;
  if (values.empty() || !may_ask()) return;
  MemoryContextReset(memory_);
  MemoryContext before = MemoryContextSwitchTo(memory_);
  gather(values);
  if (asked_count_ != 0) {
    open(traffic);
    opened_ms_ = pg::monotonic_ms();
  }
  if (input_count_ != 0) code(traffic);
  coded_ms_ = pg::monotonic_ms();
  MemoryContextSwitchTo(before);
}

const KnownCodes* KnownCodes::of(const Trigger& trigger) {
  for (const KnownCodes* codes = all_; codes != nullptr; codes = codes->next_)
    if (codes->is_settled_ && !codes->is_refused_ && codes->coding_->is_of(trigger)) return codes;
  return nullptr;
}

const KnownCodes* KnownCodes::of(std::span<const std::string_view> words) {
  for (const KnownCodes* codes = all_; codes != nullptr; codes = codes->next_) {
    const auto own = codes->coding_->words();
    if (codes->is_settled_ && !codes->is_refused_ &&
        std::equal(words.begin(), words.end(), own.begin(), own.end()))
      return codes;
  }
  return nullptr;
}

const ValueTable::Entry* KnownCodes::look_up(ByteView stored) const {
  const auto is_of = [&](const ValueTable::Entry* entry) {
    return entry != nullptr && std::ranges::equal(entry->key, stored);
  };
  if (is_of(last_found_)) return last_found_;
  ValueTable::Entry* next = last_found_ == nullptr ? first_ : last_found_->follower;
  if (!is_of(next)) next = table_.find(ValueTable::hash_of(stored), stored);
  if (next != nullptr) last_found_ = next;
  return next;
}

const varlena* KnownCodes::find(ByteView stored) const {
  const ValueTable::Entry* entry = look_up(stored);
  if (entry == nullptr || entry->value.bytes.empty()) return nullptr;
  if (pg::monotonic_ms() - coded_ms_ >= DecryptedValues::kMostAgeMs) return nullptr;
  return reinterpret_cast<const varlena*>(entry->value.bytes.data());
}

}  // namespace nae::columns

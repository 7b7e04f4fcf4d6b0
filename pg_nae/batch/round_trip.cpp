#include "pg_nae/batch/round_trip.hpp"

#include <algorithm>

#include "pg_nae/batch/column_calls.hpp"
#include "pg_nae/batch/read_item.hpp"
#include "pg_nae/batch/value_origin.hpp"
#include "pg_nae/columns/fault.hpp"
#include "pg_nae/functions/item_failure.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::batch {
namespace {

using functions::ResultKind;

std::size_t varlena_bytes(std::size_t bytes) {
  return MAXALIGN(VARHDRSZ + bytes);
}

Datum make_varlena(ByteView bytes, char*& memory) {
  char* at = memory;
  memory += varlena_bytes(bytes.size());
  SET_VARSIZE(at, VARHDRSZ + bytes.size());
  if (!bytes.empty()) std::memcpy(VARDATA(at), bytes.data(), bytes.size());
  return PointerGetDatum(at);
}

}  // namespace

void RoundTrip::add_trouble(const Trouble& trouble) {
  // Where the value is needed it is asked for again, alone.
  if (calls_[trouble.place.call].shape.ahead) return;
  if (trouble_count_ == 0) {
    troubled_ = arena_->allocate_array<bool>(rows_->count());
    std::fill_n(troubled_, rows_->count(), false);
  }
  if (trouble_count_ == trouble_capacity_) {
    trouble_capacity_ = trouble_capacity_ == 0 ? 8 : trouble_capacity_ * 2;
    troubles_ = arena_->moved(troubles_, trouble_count_, trouble_capacity_);
  }
  troubled_[trouble.place.row] = true;
  troubles_[trouble_count_++] = trouble;
}

columns::ReadAs read_as(const Call& call, const Datum* arguments) {
  return {call.how, call.shape.argument_count > 1 ? arguments[1] : 0};
}

// With `whole` a call may be refused what another is shown.
bool shows_the_same(const Call& call) {
  return call.shape.argument_count < 3;
}

void RoundTrip::add_copy(Place from, Place to) {
  if (calls_[to.call].shape.ahead) return;  // it has no result
  if (copy_count_ == copy_capacity_) {
    copy_capacity_ = copy_capacity_ == 0 ? 64 : copy_capacity_ * 2;
    copies_ = arena_->moved(copies_, copy_count_, copy_capacity_);
  }
  copies_[copy_count_++] = {from, to};
}

// The outer row's value comes again with each inner row of a nested loop.
bool RoundTrip::repeats(const Call& call, const Datum* arguments, const Before& before) const {
  if (!before.is_set || !datumIsEqual(arguments[0], before.arguments[0], false, -1)) return false;
  for (int i = 1; i < call.shape.argument_count; ++i)
    if (arguments[i] != before.arguments[i]) return false;
  return true;
}

void RoundTrip::show(Place place, const columns::OpenedValue& value) {
  columns::OpenedValue shown = value;
  char* memory = arena_->allocate(varlena_bytes(value.bytes.size() + kSpareBytes));
  take(place, shown, memory);
}

// What was read the same way, and opened, needs no second look at its form.
bool RoundTrip::find_read(const Call& call, const Datum* arguments, Place place) {
  columns::OpenedValue value;
  if (!opened_->holds_any() || !shows_the_same(call) ||
      !opened_->find_read(pg::local_view(arguments[0]), read_as(call, arguments), value))
    return false;
  if (!call.shape.ahead) show(place, value);
  return true;
}

void RoundTrip::read(std::size_t number, std::size_t row, Before& before) {
  Call& call = calls_[number];
  Place place{static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(number)};
  Datum arguments[CallShape::kMaxArguments];
  rows_->result(row, number) = Datum{0};
  bool& is_null = rows_->result_null(row, number);
  is_null = !gather_arguments(call, rows_->values(row), rows_->nulls(row), arguments) ||
            (call.shape.ahead && opened_ == nullptr);
  if (is_null) return;
  if (call.how == nullptr) {  // a function of PostgreSQL itself, in a fuzzing build
    Datum result = call_directly(call, arguments, is_null);
    if (!is_null) result = datumCopy(result, call.result_by_value, call.result_length);
    rows_->result(row, number) = result;
    return;
  }
  const bool opens = opened_ != nullptr && call.how->opens;
  if (opens) {
    if (repeats(call, arguments, before)) return add_copy(before.place, place);
    before.is_set = true;
    before.place = place;
    std::copy_n(arguments, call.shape.argument_count, before.arguments);
    if (find_read(call, arguments, place)) return;
  }
  Item item;
  item.result_type = call.expression->funcresulttype;
  ReadItem reader = call.how->read != nullptr ? call.how->read : read_item;
  auto count = static_cast<std::size_t>(call.shape.argument_count);
  switch (reader(*call.how, {arguments, count}, item)) {
    case Reading::ask:
      return opens ? open(call, item, place) : requests_.add(call.how->action, item, place);
    case Reading::ready:
      rows_->result(row, number) = item.ready;
      return;
    case Reading::defer:
      return add_trouble({.kind = Trouble::Kind::deferred, .place = place});
  }
}

void RoundTrip::open(const Call& call, const Item& item, Place place) {
  const bool ahead = call.shape.ahead;
  columns::OpenedValue value;
  if (!shows_the_same(call) || (ahead && item.stored.size() > opened_->max_value_bytes()))
    return ahead ? void() : requests_.add(call.how->action, item, place);
  if (opened_->find(item.stored, value)) return ahead ? void() : show(place, value);
  const std::uint32_t hash = columns::ValueTable::hash_of(item.stored);
  if (const auto* asked = asked_.find(hash, item.stored))
    return add_copy({static_cast<std::uint32_t>(asked->number >> 32),
                     static_cast<std::uint32_t>(asked->number)},
                    place);
  // What is asked ahead has no result that could be copied.
  if (!ahead) asked_.add(hash, item.stored).number = std::uint64_t{place.row} << 32 | place.call;
  requests_.add(call.how->action, item, place);
}

void RoundTrip::keep(Place place, const columns::OpenedValue& value) {
  Datum arguments[CallShape::kMaxArguments];
  const Call& call = calls_[place.call];
  gather_arguments(call, rows_->values(place.row), rows_->nulls(place.row), arguments);
  columns::OpenedValue kept = value;
  if (shows_the_same(call)) kept.read_as = read_as(call, arguments);
  opened_->keep(pg::local_view(arguments[0]), kept);
}

void RoundTrip::copy_troubles(Place from, Place to) {
  const std::size_t given = trouble_count_;
  for (std::size_t i = 0; i < given; ++i) {
    Trouble copy = troubles_[i];
    if (copy.place.row != from.row || copy.place.call != from.call) continue;
    copy.place = to;
    add_trouble(copy);
  }
}

void RoundTrip::copy_results() {
  for (std::size_t i = 0; i < copy_count_; ++i) {
    const auto [from, to] = copies_[i];
    rows_->result(to.row, to.call) = rows_->result(from.row, from.call);
    rows_->result_null(to.row, to.call) = rows_->result_null(from.row, from.call);
    if (is_troubled(from.row)) copy_troubles(from, to);
  }
}

void RoundTrip::gather_call(std::size_t call) {
  std::size_t count =
      calls_[call].shape.uniform ? std::min<std::size_t>(1, rows_->count()) : rows_->count();
  Before before;
  for (std::size_t row = 0; row < count; ++row) read(call, row, before);
}

// The one result of a call that depends on no column serves every row.
void RoundTrip::spread(std::size_t call) {
  if (!calls_[call].shape.uniform) return;
  std::size_t given = trouble_count_;
  for (std::size_t row = 1; row < rows_->count(); ++row) {
    rows_->result(row, call) = rows_->result(0, call);
    rows_->result_null(row, call) = rows_->result_null(0, call);
    for (std::size_t i = 0; i < given; ++i) {
      Trouble copy = troubles_[i];
      if (copy.place.row != 0 || copy.place.call != call) continue;
      copy.place.row = static_cast<std::uint32_t>(row);
      add_trouble(copy);
    }
  }
}

Datum RoundTrip::make_value(Place place, Answer answer) {
  Call& call = calls_[place.call];
  Datum arguments[CallShape::kMaxArguments];
  gather_arguments(call, rows_->values(place.row), rows_->nulls(place.row), arguments);
  answer.arguments = {arguments, static_cast<std::size_t>(call.shape.argument_count)};
  return call.how->make(*call.how, answer);
}

void RoundTrip::take(Place place, columns::OpenedValue& taken, char*& memory) {
  const wire::ItemResult result = taken.result;
  const ByteView bytes = taken.bytes;
  const Batchable& how = *calls_[place.call].how;
  bool& is_null = rows_->result_null(place.row, place.call);
  Datum& value = rows_->result(place.row, place.call);
  is_null = result == wire::ItemResult::null || how.answers_fault;
  if (is_null && (how.make == nullptr || how.answers_fault)) return;
  bool is_text = how.result == ResultKind::text && result == wire::ItemResult::value;
  if (how.make != nullptr && !is_text) {
    value = make_value(place, {result, bytes, {}, memory});
    memory += varlena_bytes(bytes.size() + kSpareBytes);
    return;
  }
  ByteView text = bytes;
  switch (how.result) {
    case ResultKind::bytes:
      value = make_varlena(bytes, memory);
      return;
    case ResultKind::text:
      if (result == wire::ItemResult::ciphertext) break;
      if (!taken.is_text && !pg::try_from_utf8(bytes, text)) {
        auto* kept = reinterpret_cast<Byte*>(arena_->allocate(bytes.size()));
        std::copy(bytes.begin(), bytes.end(), kept);
        return add_trouble(
            {.kind = Trouble::Kind::unreadable, .place = place, .bytes = {kept, bytes.size()}});
      }
      taken.is_text = text.data() == bytes.data();
      value = taken.is_text ? make_varlena(text, memory) : pg::make_text(text);
      return;
    case ResultKind::boolean:
      break;
  }
  value = functions::result_datum(how.result, result, bytes);
}

// False when the call is not asked for faults, or the failure is none of the value's own.
bool RoundTrip::take_fault(Place place, Code code) {
  const char* fault = columns::fault_of(code);
  if (fault == nullptr || !calls_[place.call].how->answers_fault) return false;
  rows_->result(place.row, place.call) = CStringGetTextDatum(fault);
  rows_->result_null(place.row, place.call) = false;
  return true;
}

void RoundTrip::consume(const ItemGroup& group, std::size_t first,
                        const wire::CryptoReplyView& reply) {
  std::uint32_t count = reply.items.count();
  // Room for all results at once: each takes its header and is aligned.
  std::size_t bytes =
      reply.items.data_bytes() + count * (varlena_bytes(kSpareBytes) + MAXIMUM_ALIGNOF);
  char* memory = arena_->allocate(bytes);
  wire::each_item(reply, [&](std::size_t number, std::uint16_t status, ByteView data) {
    Place place = group.places[first + number];
    const Call& call = calls_[place.call];
    if (status < wire::kFirstErrorStatus) {
      columns::OpenedValue value{static_cast<wire::ItemResult>(status), data};
      if (!call.shape.ahead) take(place, value, memory);
      if (opened_ != nullptr && call.how->opens) keep(place, value);
    } else if (!take_fault(place, code_from_wire(status).value_or(Code::internal)))
      add_trouble(
          {.kind = Trouble::Kind::refused_item, .place = place, .status = status, .group = &group});
  });
}

void RoundTrip::gather(Rows& rows, pg::Arena& arena, columns::OpenedValues* opened) {
  if (arena_ == nullptr) asked_.create(statement_, arena);
  rows_ = &rows;
  arena_ = &arena;
  opened_ = opened;
  asked_.clear();
  copies_ = nullptr;
  copy_count_ = copy_capacity_ = 0;
  if (opened_ != nullptr && rows.count() != 0) opened_->ask_as(roles_);
  troubles_ = nullptr;
  troubled_ = nullptr;
  trouble_count_ = trouble_capacity_ = 0;
  traffic_ = {};
  requests_.begin(arena, rows.count());
  for (std::size_t call = 0; call < call_count_; ++call) gather_call(call);
  pg::ExchangeAnswers answers{};
  answers.state = this;
  answers.consume = [](void* state, std::size_t request, std::size_t first,
                       const wire::CryptoReplyView& reply) {
    auto& self = *static_cast<RoundTrip*>(state);
    self.consume(self.requests_.group(request), first, reply);
  };
  answers.refuse = [](void* state, std::size_t request, std::size_t first, std::size_t count,
                      const backend::Failure& failure) {
    auto& self = *static_cast<RoundTrip*>(state);
    auto* kept = self.arena_->allocate_array<backend::Failure>(1);
    *kept = failure;
    for (std::size_t i = first; i < first + count; ++i) {
      Place place = self.requests_.group(request).places[i];
      if (!self.take_fault(place, failure.code))
        self.add_trouble({.kind = Trouble::Kind::refused_request, .place = place, .failure = kept});
    }
  };
  exchange_.prepare(requests_.requests(), answers, traffic_);
}

void RoundTrip::finish() {
  exchange_.finish();
  copy_results();
  for (std::size_t call = 0; call < call_count_; ++call) spread(call);
}

bool RoundTrip::find_plaintext(std::size_t row, std::size_t number, ByteView& plaintext) const {
  const Call& call = calls_[number];
  Datum arguments[CallShape::kMaxArguments];
  if (call.how == nullptr || call.how->read != read_encryption ||
      !gather_arguments(call, rows_->values(row), rows_->nulls(row), arguments))
    return false;
  columns::Value value;
  if (!columns::try_read_value(pg::local_view(arguments[0]), value) || !value.pending) return false;
  plaintext = value.plaintext;
  return true;
}

void RoundTrip::call_alone(Rows& rows, Place place) {
  Call& call = calls_[place.call];
  Datum arguments[CallShape::kMaxArguments];
  gather_arguments(call, rows.values(place.row), rows.nulls(place.row), arguments);
  rows.result(place.row, place.call) =
      call_directly(call, arguments, rows.result_null(place.row, place.call));
}

void RoundTrip::raise(Rows& rows, const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::deferred:
      return call_alone(rows, trouble.place);
    case Trouble::Kind::refused_item: {
      // Of keys that only the values name. Of one value alone the key server says role and key.
      if (trouble.group->key.empty() && trouble.status == static_cast<std::uint16_t>(Code::denied))
        return call_alone(rows, trouble.place);
      functions::CryptoCall call;
      call.action = trouble.group->action;
      call.key = trouble.group->key;
      functions::raise_item_failure(trouble.status, call, 0);
    }
    case Trouble::Kind::refused_request:
      pg::raise(*trouble.failure);
    case Trouble::Kind::unreadable:
      pg::from_utf8(trouble.bytes);
      return;
  }
}

void RoundTrip::raise_trouble(Rows& rows, std::size_t row, const PlanState* child,
                              const ItemPointerData* place) {
  for (std::size_t call = 0; call < call_count_; ++call)
    for (std::size_t i = 0; i < trouble_count_; ++i) {
      if (troubles_[i].place.row != row || troubles_[i].place.call != call) continue;
      OriginContext context;
      context.enter(calls_[call].expression, child, place);
      raise(rows, troubles_[i]);
      context.leave();
    }
}

}  // namespace nae::batch

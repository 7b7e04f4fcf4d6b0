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

// In the row as it is: to look at it costs no copy.
bool is_inline(Datum value) {
  const auto* bytes = reinterpret_cast<const varlena*>(DatumGetPointer(value));
  return !VARATT_IS_EXTERNAL(bytes) && !VARATT_IS_COMPRESSED(bytes);
}

columns::ReadAs read_as(const Call& call, const Datum* arguments) {
  return {call.how, call.shape.argument_count > 1 ? arguments[1] : 0};
}

// With `whole` a call may be refused what another is shown.
bool shows_the_same(const Call& call) {
  return call.shape.argument_count < 3;
}

}  // namespace

void RoundTrip::add_failed(const FailedCall& failed) {
  // Where the value is needed it is asked for again, alone.
  if (calls_[failed.cell.call].shape.ahead) return;
  if (failed_count_ == 0) {
    has_failed_ = arena_->allocate_array<bool>(rows_->count());
    std::fill_n(has_failed_, rows_->count(), false);
  }
  if (failed_count_ == failed_capacity_) {
    failed_capacity_ = failed_capacity_ == 0 ? 8 : failed_capacity_ * 2;
    failed_ = arena_->moved(failed_, failed_count_, failed_capacity_);
  }
  has_failed_[failed.cell.row] = true;
  failed_[failed_count_++] = failed;
}

void RoundTrip::add_copy(Cell from, Cell to) {
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

void RoundTrip::show(Cell cell, const columns::DecryptedValue& value) {
  columns::DecryptedValue shown = value;
  char* memory = arena_->allocate(varlena_bytes(value.bytes.size() + kSpareBytes));
  take(cell, shown, memory);
}

// What was read the same way, and decrypted, needs no second look at its form.
bool RoundTrip::find_read(const Call& call, const Datum* arguments, Cell cell) {
  columns::DecryptedValue value;
  if (!decrypted_->holds_any() || !shows_the_same(call) || !is_inline(arguments[0]) ||
      !decrypted_->find_read(pg::local_view(arguments[0]), read_as(call, arguments), value))
    return false;
  if (!call.shape.ahead) show(cell, value);
  return true;
}

void RoundTrip::read(std::size_t number, std::size_t row, Before& before) {
  Call& call = calls_[number];
  Cell cell{static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(number)};
  Datum arguments[CallShape::kMaxArguments];
  rows_->result(row, number) = Datum{0};
  bool& is_null = rows_->result_null(row, number);
  is_null = !gather_arguments(call, rows_->values(row), rows_->nulls(row), arguments) ||
            (call.shape.ahead && decrypted_ == nullptr);
  if (is_null) return;
  if (call.how == nullptr) {  // a function of PostgreSQL itself, in a fuzzing build
    Datum result = call_directly(call, arguments, is_null);
    if (!is_null) result = datumCopy(result, call.result_by_value, call.result_length);
    rows_->result(row, number) = result;
    return;
  }
  const bool opens = decrypted_ != nullptr && call.how->opens;
  if (opens) {
    if (repeats(call, arguments, before)) return add_copy(before.cell, cell);
    before.is_set = true;
    before.cell = cell;
    std::copy_n(arguments, call.shape.argument_count, before.arguments);
    if (find_read(call, arguments, cell)) return;
  }
  Item item;
  item.result_type = call.expression->funcresulttype;
  ReadItem reader = call.how->read != nullptr ? call.how->read : read_item;
  auto count = static_cast<std::size_t>(call.shape.argument_count);
  switch (reader(*call.how, {arguments, count}, item)) {
    case Reading::ask:
      return opens ? open(call, item, cell) : requests_.add(call.how->action, item, cell);
    case Reading::ready:
      rows_->result(row, number) = item.ready;
      return;
    case Reading::defer:
      return add_failed({.kind = FailedCall::Kind::deferred, .cell = cell});
  }
}

void RoundTrip::open(const Call& call, const Item& item, Cell cell) {
  const bool ahead = call.shape.ahead;
  columns::DecryptedValue value;
  if (!shows_the_same(call) || (ahead && item.stored.size() > decrypted_->max_value_bytes()))
    return ahead ? void() : requests_.add(call.how->action, item, cell);
  if (decrypted_->find(item.stored, value)) return ahead ? void() : show(cell, value);
  const std::uint32_t hash = columns::ValueTable::hash_of(item.stored);
  if (const auto* asked = asked_.find(hash, item.stored))
    return add_copy({static_cast<std::uint32_t>(asked->number >> 32),
                     static_cast<std::uint32_t>(asked->number)},
                    cell);
  // What is asked ahead has no result that could be copied.
  if (!ahead) asked_.add(hash, item.stored).number = std::uint64_t{cell.row} << 32 | cell.call;
  requests_.add(call.how->action, item, cell);
}

void RoundTrip::keep(Cell cell, const columns::DecryptedValue& value) {
  Datum arguments[CallShape::kMaxArguments];
  const Call& call = calls_[cell.call];
  gather_arguments(call, rows_->values(cell.row), rows_->nulls(cell.row), arguments);
  columns::DecryptedValue kept = value;
  if (shows_the_same(call)) kept.read_as = read_as(call, arguments);
  decrypted_->keep(pg::local_view(arguments[0]), kept);
}

void RoundTrip::copy_failed(Cell from, Cell to) {
  const std::size_t given = failed_count_;
  for (std::size_t i = 0; i < given; ++i) {
    FailedCall copy = failed_[i];
    if (copy.cell.row != from.row || copy.cell.call != from.call) continue;
    copy.cell = to;
    add_failed(copy);
  }
}

void RoundTrip::copy_results() {
  for (std::size_t i = 0; i < copy_count_; ++i) {
    const auto [from, to] = copies_[i];
    rows_->result(to.row, to.call) = rows_->result(from.row, from.call);
    rows_->result_null(to.row, to.call) = rows_->result_null(from.row, from.call);
    if (has_failed(from.row)) copy_failed(from, to);
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
  std::size_t given = failed_count_;
  for (std::size_t row = 1; row < rows_->count(); ++row) {
    rows_->result(row, call) = rows_->result(0, call);
    rows_->result_null(row, call) = rows_->result_null(0, call);
    for (std::size_t i = 0; i < given; ++i) {
      FailedCall copy = failed_[i];
      if (copy.cell.row != 0 || copy.cell.call != call) continue;
      copy.cell.row = static_cast<std::uint32_t>(row);
      add_failed(copy);
    }
  }
}

Datum RoundTrip::make_value(Cell cell, Answer answer) {
  Call& call = calls_[cell.call];
  Datum arguments[CallShape::kMaxArguments];
  gather_arguments(call, rows_->values(cell.row), rows_->nulls(cell.row), arguments);
  answer.arguments = {arguments, static_cast<std::size_t>(call.shape.argument_count)};
  return call.how->make(*call.how, answer);
}

void RoundTrip::take(Cell cell, columns::DecryptedValue& taken, char*& memory) {
  const wire::ItemResult result = taken.result;
  const ByteView bytes = taken.bytes;
  const Batchable& how = *calls_[cell.call].how;
  bool& is_null = rows_->result_null(cell.row, cell.call);
  Datum& value = rows_->result(cell.row, cell.call);
  is_null = result == wire::ItemResult::null || how.answers_fault;
  if (is_null && (how.make == nullptr || how.answers_fault)) return;
  bool is_text = how.result == ResultKind::text && result == wire::ItemResult::value;
  if (how.make != nullptr && !is_text) {
    value = make_value(cell, {result, bytes, {}, memory});
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
        return add_failed(
            {.kind = FailedCall::Kind::unreadable, .cell = cell, .bytes = {kept, bytes.size()}});
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
bool RoundTrip::take_fault(Cell cell, Code code) {
  const char* fault = columns::fault_of(code);
  if (fault == nullptr || !calls_[cell.call].how->answers_fault) return false;
  rows_->result(cell.row, cell.call) = CStringGetTextDatum(fault);
  rows_->result_null(cell.row, cell.call) = false;
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
    Cell cell = group.cells[first + number];
    const Call& call = calls_[cell.call];
    if (status < wire::kFirstErrorStatus) {
      columns::DecryptedValue value{static_cast<wire::ItemResult>(status), data};
      if (!call.shape.ahead) take(cell, value, memory);
      if (decrypted_ != nullptr && call.how->opens) keep(cell, value);
    } else if (!take_fault(cell, code_from_wire(status).value_or(Code::internal)))
      add_failed({.kind = FailedCall::Kind::refused_item,
                  .cell = cell,
                  .status = status,
                  .group = &group});
  });
}

void RoundTrip::gather(Rows& rows, pg::Arena& arena, columns::DecryptedValues* decrypted) {
  if (arena_ == nullptr) asked_.create(statement_, arena);
  rows_ = &rows;
  arena_ = &arena;
  decrypted_ = decrypted;
  asked_.clear();
  copies_ = nullptr;
  copy_count_ = copy_capacity_ = 0;
  if (decrypted_ != nullptr && rows.count() != 0) decrypted_->ask_as(roles_);
  failed_ = nullptr;
  has_failed_ = nullptr;
  failed_count_ = failed_capacity_ = 0;
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
      Cell cell = self.requests_.group(request).cells[i];
      if (!self.take_fault(cell, failure.code))
        self.add_failed({.kind = FailedCall::Kind::refused_request, .cell = cell, .failure = kept});
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

void RoundTrip::call_alone(Rows& rows, Cell cell) {
  Call& call = calls_[cell.call];
  Datum arguments[CallShape::kMaxArguments];
  gather_arguments(call, rows.values(cell.row), rows.nulls(cell.row), arguments);
  rows.result(cell.row, cell.call) =
      call_directly(call, arguments, rows.result_null(cell.row, cell.call));
}

void RoundTrip::raise(Rows& rows, const FailedCall& failed) {
  switch (failed.kind) {
    case FailedCall::Kind::deferred:
      return call_alone(rows, failed.cell);
    case FailedCall::Kind::refused_item: {
      // Of keys that only the values name. Of one value alone the key server says role and key.
      if (failed.group->key.empty() && failed.status == static_cast<std::uint16_t>(Code::denied))
        return call_alone(rows, failed.cell);
      functions::CryptoCall call;
      call.action = failed.group->action;
      call.key = failed.group->key;
      functions::raise_item_failure(failed.status, call, 0);
    }
    case FailedCall::Kind::refused_request:
      pg::raise(*failed.failure);
    case FailedCall::Kind::unreadable:
      pg::from_utf8(failed.bytes);
      return;
  }
}

void RoundTrip::raise_failed(Rows& rows, std::size_t row, const PlanState* child,
                             const ItemPointerData* place) {
  for (std::size_t call = 0; call < call_count_; ++call)
    for (std::size_t i = 0; i < failed_count_; ++i) {
      if (failed_[i].cell.row != row || failed_[i].cell.call != call) continue;
      OriginContext context;
      context.enter(calls_[call].expression, child, place);
      raise(rows, failed_[i]);
      context.leave();
    }
}

}  // namespace nae::batch

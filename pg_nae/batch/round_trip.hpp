// RoundTrip: all calls of all rows of a batch, asked at once, and what came of each.
#pragma once

#include "pg_nae/batch/call.hpp"
#include "pg_nae/batch/requests.hpp"
#include "pg_nae/batch/rows.hpp"
#include "pg_nae/columns/decrypted_values.hpp"
#include "pg_nae/pg/exchange.hpp"

namespace nae::batch {

// A call that has no result for a row. It is raised when that row is emitted: rows before it are
// whole, and a row that is never asked for never fails.
struct FailedCall {
  enum class Kind : std::uint8_t { deferred, refused_item, refused_request, unreadable };
  Kind kind;
  Cell cell;
  std::uint16_t status = 0;                   // refused_item
  const ItemGroup* group = nullptr;           // refused_item
  ByteView bytes = {};                        // unreadable: the result
  const backend::Failure* failure = nullptr;  // refused_request
};

class RoundTrip {
 public:
  // Memory of the current context, which is the statement's.
  void create(Call* calls, std::size_t count, const pg::StatementRoles& roles) {
    calls_ = calls;
    call_count_ = count;
    statement_ = CurrentMemoryContext;
    roles_ = roles;
    exchange_.create(CurrentMemoryContext, roles);
  }

  // Reads the arguments of the rows' calls. Memory is the arena's and the current context's, which
  // live until the next batch, as do the rows. What is in `decrypted` is not asked for, and what is
  // asked for is kept there; nullptr: nothing is.
  void gather(Rows& rows, pg::Arena& arena, columns::DecryptedValues* decrypted);
  // Sends them ahead, if that can be done without waiting and without raising.
  void begin_ahead() { exchange_.begin_ahead(); }
  // Fills in the results.
  void finish();
  // The results are not wanted any more.
  void drain() { exchange_.drain(); }
  // What this batch took.
  const pg::Traffic& traffic() const { return traffic_; }

  bool has_failed(std::size_t row) const { return failed_count_ != 0 && has_failed_[row]; }
  // The canonical form of what a call has encrypted for a row; false where it did not.
  bool find_plaintext(std::size_t row, std::size_t call, ByteView& plaintext) const;
  // Raises what is wrong with the row, in the order of its calls, and says where the value is from.
  // `place` is the row's in its table, or nullptr.
  void raise_failed(Rows& rows, std::size_t row, const PlanState* child,
                    const ItemPointerData* place);

 private:
  struct Copy {
    Cell from;
    Cell to;
  };

  // The row before of a call that shows a column, whose arguments the next one may repeat.
  struct Before {
    bool is_set = false;
    Cell cell{};
    Datum arguments[CallShape::kMaxArguments];
  };

  void gather_call(std::size_t call);
  bool repeats(const Call& call, const Datum* arguments, const Before& before) const;
  bool find_read(const Call& call, const Datum* arguments, Cell cell);
  void open(const Call& call, const Item& item, Cell cell);
  void keep(Cell cell, const columns::DecryptedValue& value);
  void show(Cell cell, const columns::DecryptedValue& value);
  void add_copy(Cell from, Cell to);
  void copy_results();
  void copy_failed(Cell from, Cell to);
  void read(std::size_t call, std::size_t row, Before& before);
  void spread(std::size_t call);
  void add_failed(const FailedCall& failed);
  void consume(const ItemGroup& group, std::size_t first, const wire::CryptoReplyView& reply);
  Datum make_value(Cell cell, Answer answer);
  // `is_text` of the value is set when its bytes turn out to be text of the database as they are.
  void take(Cell cell, columns::DecryptedValue& value, char*& memory);
  void raise(Rows& rows, const FailedCall& failed);
  bool take_fault(Cell cell, Code code);
  void call_alone(Rows& rows, Cell cell);

  Call* calls_;
  std::size_t call_count_;
  Requests requests_;
  pg::Exchange exchange_;
  MemoryContext statement_;
  pg::StatementRoles roles_;
  columns::DecryptedValues* decrypted_;
  columns::ValueTable asked_;  // values of this batch, each with the place that it is asked for
  Copy* copies_;               // cells whose values are asked for by another
  std::size_t copy_count_;
  std::size_t copy_capacity_;
  pg::Traffic traffic_;
  Rows* rows_;
  pg::Arena* arena_;
  bool* has_failed_;  // a row each
  FailedCall* failed_;
  std::size_t failed_count_;
  std::size_t failed_capacity_;
};

}  // namespace nae::batch

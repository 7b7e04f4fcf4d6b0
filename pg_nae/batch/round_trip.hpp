// RoundTrip: all calls of all rows of a batch, asked at once, and what came of each.
#pragma once

#include "pg_nae/batch/call.hpp"
#include "pg_nae/batch/requests.hpp"
#include "pg_nae/batch/rows.hpp"
#include "pg_nae/columns/opened_values.hpp"
#include "pg_nae/pg/exchange.hpp"

namespace nae::batch {

// A call that has no result for a row. It is raised when that row is emitted: rows before it are
// whole, and a row that is never asked for never fails.
struct Trouble {
  enum class Kind : std::uint8_t { deferred, refused_item, refused_request, unreadable };
  Kind kind;
  Place place;
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
  // live until the next batch, as do the rows. What is in `opened` is not asked for, and what is
  // asked for is kept there; nullptr: nothing is.
  void gather(Rows& rows, pg::Arena& arena, columns::OpenedValues* opened);
  // Sends them ahead, if that can be done without waiting and without raising.
  void begin_ahead() { exchange_.begin_ahead(); }
  // Fills in the results.
  void finish();
  // The results are not wanted any more.
  void drain() { exchange_.drain(); }
  // What this batch took.
  const pg::Traffic& traffic() const { return traffic_; }

  bool is_troubled(std::size_t row) const { return trouble_count_ != 0 && troubled_[row]; }
  // The canonical form of what a call has encrypted for a row; false where it did not.
  bool find_plaintext(std::size_t row, std::size_t call, ByteView& plaintext) const;
  // Raises what is wrong with the row, in the order of its calls, and says where the value is from.
  // `place` is the row's in its table, or nullptr.
  void raise_trouble(Rows& rows, std::size_t row, const PlanState* child,
                     const ItemPointerData* place);

 private:
  struct Copy {
    Place from;
    Place to;
  };

  // The row before of a call that shows a column, whose arguments the next one may repeat.
  struct Before {
    bool is_set = false;
    Place place{};
    Datum arguments[CallShape::kMaxArguments];
  };

  void gather_call(std::size_t call);
  bool repeats(const Call& call, const Datum* arguments, const Before& before) const;
  bool find_read(const Call& call, const Datum* arguments, Place place);
  void open(const Call& call, const Item& item, Place place);
  void keep(Place place, const columns::OpenedValue& value);
  void show(Place place, const columns::OpenedValue& value);
  void add_copy(Place from, Place to);
  void copy_results();
  void copy_troubles(Place from, Place to);
  void read(std::size_t call, std::size_t row, Before& before);
  void spread(std::size_t call);
  void add_trouble(const Trouble& trouble);
  void consume(const ItemGroup& group, std::size_t first, const wire::CryptoReplyView& reply);
  Datum make_value(Place place, Answer answer);
  // `is_text` of the value is set when its bytes turn out to be text of the database as they are.
  void take(Place place, columns::OpenedValue& value, char*& memory);
  void raise(Rows& rows, const Trouble& trouble);
  bool take_fault(Place place, Code code);
  void call_alone(Rows& rows, Place place);

  Call* calls_;
  std::size_t call_count_;
  Requests requests_;
  pg::Exchange exchange_;
  MemoryContext statement_;
  pg::StatementRoles roles_;
  columns::OpenedValues* opened_;
  columns::ValueTable asked_;  // values of this batch, each with the place that it is asked for
  Copy* copies_;               // places whose values are asked for by another
  std::size_t copy_count_;
  std::size_t copy_capacity_;
  pg::Traffic traffic_;
  Rows* rows_;
  pg::Arena* arena_;
  bool* troubled_;  // a row each
  Trouble* troubles_;
  std::size_t trouble_count_;
  std::size_t trouble_capacity_;
};

}  // namespace nae::batch

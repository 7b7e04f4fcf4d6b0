// What EXPLAIN shows of a batch node.
#include "pg_nae/batch/node.hpp"
#include "pg_nae/columns/searched_scan.hpp"

namespace nae::batch {
namespace {

// "nae_decrypt(c.ssn)", as EXPLAIN writes expressions elsewhere.
List* calls_in_words(const BatchNode& node, List* ancestors, ExplainState* explain) {
  List* context = set_deparse_context_plan(explain->deparse_cxt, node.scan.ss.ps.plan, ancestors);
  bool qualify = list_length(explain->rtable) > 1 || explain->verbose;
  List* words = NIL;
  const auto* plan = reinterpret_cast<const CustomScan*>(node.scan.ss.ps.plan);
  for (int i = 1; i <= node.call_count; ++i) {
    auto* shown = target_at(plan->custom_scan_tlist, node.child_columns + i)->expr;
    words =
        lappend(words, deparse_expression(reinterpret_cast<Node*>(shown), context, qualify, false));
  }
  return words;
}

void show(const char* label, const char* unit, std::uint64_t value, ExplainState* explain) {
  ExplainPropertyInteger(label, unit, static_cast<std::int64_t>(value), explain);
}

}  // namespace

void explain_batch(CustomScanState* state, List* ancestors, ExplainState* explain) {
  auto& node = *reinterpret_cast<BatchNode*>(state);
  if (node.call_count > 0)
    ExplainPropertyList("Calls", calls_in_words(node, ancestors, explain), explain);
  if (node.codes.names() != NIL) ExplainPropertyList("Codes", node.codes.names(), explain);
  if (List* searches = columns::searches_below(&node.scan.ss.ps, ancestors, explain->analyze);
      searches != NIL)
    ExplainPropertyList("Search", searches, explain);
  if (!explain->analyze) return;
  show("Batches", nullptr, node.batches, explain);
  show("Round Trips", nullptr, node.traffic.round_trips, explain);
  show("Items", nullptr, node.traffic.items, explain);
  if (!explain->verbose) return;
  show("Round Trips Ahead", nullptr, node.traffic.ahead, explain);
  show("Requests", nullptr, node.traffic.requests, explain);
  show("Bytes Sent", nullptr, node.traffic.bytes_sent, explain);
  show("Bytes Received", nullptr, node.traffic.bytes_received, explain);
  if (explain->timing)
    ExplainPropertyFloat("Waiting", "ms", static_cast<double>(node.traffic.wait_ns) / 1e6, 3,
                         explain);
}

}  // namespace nae::batch

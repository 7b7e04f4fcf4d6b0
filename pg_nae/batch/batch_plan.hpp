// BatchPlan: the plan node "Custom Scan (NaeBatch)". Its child emits columns and the arguments of
// calls; the node computes the calls for many rows at once, then filters and projects.
#pragma once

#include "pg_nae/batch/hoist.hpp"

namespace nae::batch {

// plan->custom_exprs: the calls, and the filter. What stands for them in custom_scan_tlist, behind
// the child's columns, and in plan.qual is for EXPLAIN to show (display.hpp), and is not evaluated.
// plan->custom_private: whether rows are read exactly and whether values are expected to come
// again; the CodedColumns; then for each call a CallShape as a list of integers.
struct CallShape {
  bool uniform;  // one result serves all rows of a batch
  bool ahead;    // no result: the value is for an expression above that may need it
  static constexpr int kMaxArguments = 8;
  int argument_count;
  int columns[kMaxArguments];  // of the child, from 1; 0: the argument is a Const
};
CallShape call_shape(const CustomScan* batch, int call);

// A column of the rows whose values the node above writes to a column with a blind index.
struct CodedColumn {
  int column;  // of custom_scan_tlist, from 1
  Oid table;
  AttrNumber written;
};
// `column` and what it is written to: lists of integers.
List* coded_columns_of(const CustomScan* batch);
CodedColumn coded_column(const List* coded_columns, int number);
void add_coded_column(CustomScan* batch, const CodedColumn& coded);

// Over the columns of the child (OUTER_VAR).
List* calls_of(const CustomScan* batch);
// Over those and the results of the calls (INDEX_VAR).
List* filter_of(const CustomScan* batch);

// Rows may be read only when they are asked for: reading one locks or changes it.
bool is_exact(const CustomScan* batch);

// The same values come more than once: of rows that are read again, or of pairs of them.
bool repeats_values(const CustomScan* batch);

bool is_batch(const Plan* plan);

// Puts a batch node over `child`, whose target list is lifted.targets. `targets` and `quals` are
// what is left above. Node ids count on from `last_node_id`.
// Without calls where it is to ask for codes alone.
CustomScan* make_batch(Plan* child, const Lift& lifted, List* targets, List* quals,
                       int& last_node_id);

// To be called when the tree is final: what depends on the nodes above and below. `again`: the plan
// is run more than once.
void complete(Plan* plan, bool again);

extern const CustomScanMethods batch_scan_methods;

}  // namespace nae::batch

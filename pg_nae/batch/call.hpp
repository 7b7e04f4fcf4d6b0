// Call: one cryptographic call of a batch node, as the executor makes it.
#pragma once

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/batchable.hpp"

namespace nae::batch {

struct Call {
  const Batchable* how;
  FuncExpr* expression;
  CallShape shape;
  Datum constants[CallShape::kMaxArguments];
  bool never;  // a constant is NULL
  FmgrInfo function;
  int16 result_length;
  bool result_by_value;
};

// Raises, as PostgreSQL would when it prepares the call, when the current role may not execute the
// function. Memory is the current context's.
void prepare_call(const CustomScan* batch, int number, Call& call);

// The arguments of one row, whose columns are given; false when one is NULL.
bool gather_arguments(const Call& call, const Datum* columns, const bool* nulls, Datum* arguments);

// Makes the call itself, as if there were no batch.
Datum call_directly(Call& call, const Datum* arguments, bool& is_null);

}  // namespace nae::batch

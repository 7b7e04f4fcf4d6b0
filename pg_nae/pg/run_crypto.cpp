#include "pg_nae/pg/run_crypto.hpp"

#include "pg_nae/pg/exchange.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::pg {
namespace {

void check_aad(const wire::CryptoRequest& request) {
  for (ByteView aad : request.aad)
    if (aad.size() > wire::kMaxAadBytes)
      raise(Code::value_too_large, psprintf("associated data of %zu bytes; the limit is %u bytes",
                                            aad.size(), wire::kMaxAadBytes));
}

struct Consumer {
  ConsumeReply consume;
  void* state;
};

}  // namespace

void run_crypto(const wire::CryptoRequest& request, ConsumeReply consume, void* state) {
  refuse_restricted_operation();
  check_aad(request);
  Consumer consumer{consume, state};
  ExchangeAnswers answers;
  answers.state = &consumer;
  answers.consume = [](void* to, std::size_t, std::size_t first,
                       const wire::CryptoReplyView& reply) {
    const auto& taker = *static_cast<const Consumer*>(to);
    taker.consume(taker.state, first, reply);
  };
  answers.refuse = [](void*, std::size_t, std::size_t, std::size_t,
                      const backend::Failure& failure) { raise(failure); };
  Traffic traffic;
  Exchange exchange{};
  exchange.create_for_call();
  exchange.prepare({&request, request.items.empty() ? 0u : 1u}, answers, traffic);
  exchange.finish();
}

}  // namespace nae::pg

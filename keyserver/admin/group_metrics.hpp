// What monitoring is told of a group: lease, store, and keys that were made elsewhere.
#pragma once

#include "keyserver/admin/group.hpp"

namespace prometheus {
class Gauge;
class Registry;
}  // namespace prometheus

namespace nae::admin {

class GroupMetrics {
 public:
  // `registry` outlives this.
  explicit GroupMetrics(prometheus::Registry& registry);

  // Any thread.
  void set(const Group& group);

 private:
  prometheus::Gauge &lease_, &whole_, &synchronous_, &not_on_token_;
};

}  // namespace nae::admin

// LinkPool: the connections to the agent that the calls of a process take turns on. Nobody holds
// its lock over a wait.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkcs11/agent_link.hpp"

namespace nae::pkcs11 {

class LinkPool {
 public:
  // As many calls as this are under way at once; others wait.
  static constexpr std::size_t kMostLinks = 16;

  explicit LinkPool(std::string path) : path_(std::move(path)) {}

  // Returned at its end, when it is of use: a turn of one thread.
  class Turn {
   public:
    Turn(LinkPool& pool, std::unique_ptr<AgentLink> link, bool is_new)
        : pool_(&pool), link_(std::move(link)), is_new_(is_new) {}
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (link_) pool_->give_back(std::move(link_));
    }
    AgentLink& operator*() const { return *link_; }
    AgentLink* operator->() const { return link_.get(); }
    bool is_new() const { return is_new_; }  // nobody has used it before

   private:
    LinkPool* pool_;
    std::unique_ptr<AgentLink> link_;
    bool is_new_;
  };

  // Code::timeout when all are taken until `deadline`, not_initialised after close(), else as
  // AgentLink::connect().
  Result<Turn> take(TimePoint deadline);
  // Ends the connections of any other user than this one, what is idle at once, the others at the
  // end of their turns: none keeps a token that is not in force.
  void act_for(Bytes user_token);
  // Ends all of them: what waits on one fails with Code::connection_lost.
  void close();

  // For a child of the process, which has got the descriptors, too. Takes no lock: another thread
  // may have held it at the fork.
  static void close_inherited();

 private:
  void give_back(std::unique_ptr<AgentLink> link);
  Result<void> begin_turn(const AgentLink& link);

  const std::string path_;
  std::mutex lock_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<AgentLink>> idle_;
  std::vector<const AgentLink*> taken_;  // on which a turn is
  std::size_t links_ = 0;
  Bytes user_token_;
  bool closed_ = false;
};

}  // namespace nae::pkcs11

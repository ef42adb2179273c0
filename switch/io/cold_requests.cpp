#include "switch/io/cold_requests.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <set>
#include <utility>

namespace acquirer {

/// The threads begin with the first read.
class ColdRequests::Readers {
  public:
    Readers(const ledger::StoreReader& store, std::size_t threads, std::function<void()> ended)
        : store_(store), threads_(threads), ended_(std::move(ended)) {}
    ~Readers() {
        if (!pool_) return;
        pool_->stop();
        pool_->join();
    }
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

    void read(Waiting* of, std::vector<ledger::Key> keys) {
        if (!pool_) pool_ = std::make_unique<boost::asio::thread_pool>(threads_);
        boost::asio::post(*pool_, [this, of, keys = std::move(keys)] {
            // Whatever comes of it, the core will see the same.
            for (const ledger::Key& key : keys) static_cast<void>(store_.get(key.family, key.bytes));
            bool first = false;
            {
                const std::lock_guard lock(mutex_);
                first = read_.empty();
                read_.push_back(of);
            }
            if (first) ended_();
        });
    }
    std::vector<Waiting*> take_read() {
        const std::lock_guard lock(mutex_);
        return std::exchange(read_, {});
    }

  private:
    const ledger::StoreReader& store_;
    const std::size_t threads_;
    const std::function<void()> ended_;
    std::mutex mutex_;
    std::vector<Waiting*> read_;
    std::unique_ptr<boost::asio::thread_pool> pool_;
};

ColdRequests::ColdRequests(const ledger::StoreReader& store, std::size_t readers, std::function<void()> ended)
    : readers_(std::make_unique<Readers>(store, readers, std::move(ended))) {}
ColdRequests::~ColdRequests() = default;

bool ColdRequests::take(RequestArrived& request, std::vector<ledger::Key> keys) {
    const LinkId link = request.from.link;
    if (keys.empty() && !of_link_.contains(link)) return false;
    Waiting& waiting = waiting_.emplace_back(Waiting{std::move(request), keys.empty()});
    ++of_link_[link];
    ++taken_;
    if (!keys.empty()) readers_->read(&waiting, std::move(keys));
    return true;
}

void ColdRequests::move_ready(std::deque<Event>& inbox) {
    if (waiting_.empty()) return;
    const std::vector<Waiting*> read = readers_->take_read();
    if (read.empty()) return;
    for (Waiting* one : read) one->was_read = true;
    std::set<LinkId> still_waiting;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const LinkId link = at->request.from.link;
        if (!at->was_read || still_waiting.contains(link)) {
            still_waiting.insert(link);
            ++at;
            continue;
        }
        if (const auto count = of_link_.find(link); --count->second == 0) of_link_.erase(count);
        inbox.emplace_back(std::move(at->request));
        at = waiting_.erase(at);
    }
}

}  // namespace acquirer

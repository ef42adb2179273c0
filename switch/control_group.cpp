#include "switch/control_group.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace acquirer {

namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::size_t group_bytes_max = 1U << 20;  // of a group with all its members

Result<gid_t> gid_of(const std::string& group) {
    std::vector<char> memory(4'096);
    for (;;) {
        struct group entry {};
        struct group* found = nullptr;
        const int error = ::getgrnam_r(group.c_str(), &entry, memory.data(), memory.size(), &found);
        if (error == ERANGE && memory.size() < group_bytes_max) {
            memory.resize(memory.size() * 2);
            continue;
        }
        if (found == nullptr) return parse_error("data.control_group: there is no Unix group " + group);
        return entry.gr_gid;
    }
}

}  // namespace

Result<std::uint32_t> open_control_directory(const std::string& group, const std::string& socket_path) {
    const auto gid = gid_of(group);
    if (!gid) return tl::unexpected(gid.error());
    const std::string directory = std::filesystem::path(socket_path).parent_path().string();
    constexpr mode_t rights = S_IRWXU | S_IRGRP | S_IXGRP;
    if (::mkdir(directory.c_str(), rights) == 0) {
        if (::chown(directory.c_str(), static_cast<uid_t>(-1), *gid) != 0 ||
            ::chmod(directory.c_str(), rights) != 0)
            return parse_error(directory + ": cannot be given to the group " + group + ": " +
                               std::strerror(errno));
    } else if (errno != EEXIST) {
        return parse_error(directory + ": " + std::strerror(errno));
    }
    std::filesystem::path above;
    for (const std::filesystem::path& part : std::filesystem::path(directory)) {
        above /= part;
        struct stat there {};
        if (::stat(above.c_str(), &there) != 0)
            return parse_error(above.string() + ": " + std::strerror(errno));
        const bool entered =
            (there.st_gid == *gid && (there.st_mode & S_IXGRP) != 0) || (there.st_mode & S_IXOTH) != 0;
        if (!entered)
            return parse_error(above.string() + ": members of the group " + group +
                               " cannot enter it, so that they reach no socket in it: chgrp " + group +
                               " and chmod g+x, or another control_socket");
    }
    return std::uint32_t{*gid};
}

}  // namespace acquirer

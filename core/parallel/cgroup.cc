#include "core/parallel/cgroup.h"

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace attentiond {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool ListContains(absl::string_view list, absl::string_view item) {
  for (const absl::string_view element : absl::StrSplit(list, ',')) {
    if (element == item) return true;
  }
  return false;
}

// A mounted hierarchy with the controller.
struct Mount {
  std::string top;    // the cgroup that is mounted; "/" unless a container hides its ancestors
  std::string point;  // where
  bool unified = false;
};

// Lines of mountinfo: id parent device top point options [optional...] - type source super-options.
std::vector<Mount> ReadMounts(absl::string_view controller, const std::string& root) {
  std::vector<Mount> mounts;
  const std::string mountinfo = ReadFile(root + "/proc/self/mountinfo");
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    const std::vector<absl::string_view> sides = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (sides.size() != 2) continue;
    const std::vector<absl::string_view> mount = absl::StrSplit(sides[0], ' ');
    const std::vector<absl::string_view> system = absl::StrSplit(sides[1], ' ');
    if (mount.size() < 5 || system.size() < 3) continue;
    const bool unified = system[0] == "cgroup2";
    if (unified || (system[0] == "cgroup" && ListContains(system[2], controller))) {
      mounts.push_back({std::string(mount[3]), std::string(mount[4]), unified});
    }
  }
  return mounts;
}

// Lines of /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
std::string OwnPath(absl::string_view controller, const std::string& root, bool unified) {
  const std::string cgroups = ReadFile(root + "/proc/self/cgroup");
  for (const absl::string_view line : absl::StrSplit(cgroups, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (unified ? fields[0] == "0" && fields[1].empty() : ListContains(fields[1], controller)) {
      return std::string(fields[2]);
    }
  }
  return "/";
}

// `path` as seen from the mounted cgroup `top`, without a trailing slash; "" is `top` itself.
std::string BelowTop(absl::string_view path, absl::string_view top) {
  top = absl::StripSuffix(top, "/");
  path = absl::StripSuffix(path, "/");
  if (!absl::ConsumePrefix(&path, top) || !(path.empty() || path[0] == '/')) return "";
  // A namespace shows cgroups outside itself as "/..": nothing of them is mounted.
  return absl::StartsWith(path, "/..") ? "" : std::string(path);
}

}  // namespace

std::vector<Cgroup> Cgroups(absl::string_view controller, const std::string& root) {
  std::vector<Cgroup> cgroups;
  for (const Mount& mount : ReadMounts(controller, root)) {
    std::string below = BelowTop(OwnPath(controller, root, mount.unified), mount.top);
    cgroups.push_back({absl::StrCat(root, mount.point, below), mount.unified});
    while (!below.empty()) {
      below.resize(below.rfind('/'));
      cgroups.push_back({absl::StrCat(root, mount.point, below), mount.unified});
    }
  }
  return cgroups;
}

}  // namespace attentiond

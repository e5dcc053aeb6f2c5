//! The binary trees of the Computer Language Benchmarks Game, on one thread.

/// The depth of the smallest trees.
const SHALLOWEST: u64 = 4;

/// A node, which is two pointers: a leaf has none below it.
struct Tree(Option<Box<Tree>>, Option<Box<Tree>>);

impl Tree {
    fn of_depth(depth: u64) -> Self {
        if depth == 0 {
            return Tree(None, None);
        }
        let below = || Some(Box::new(Tree::of_depth(depth - 1)));
        Tree(below(), below())
    }

    fn count(&self) -> u64 {
        let below = |tree: &Option<Box<Tree>>| tree.as_ref().map_or(0, |tree| tree.count());
        1 + below(&self.0) + below(&self.1)
    }
}

/// Builds, counts and drops one tree deeper than `depth`, and then, beside a tree of `depth` that stays, as many smaller
/// ones as make up the same number of nodes for each second depth. The number of nodes that there were.
pub fn build_and_count(depth: u64) -> u64 {
    let build = |depth| Box::new(Tree::of_depth(depth));
    let stretched = build(depth + 1).count();
    let long_lived = build(depth);
    let short_lived: u64 = sizes(depth).map(|(d, trees)| (0..trees).map(|_| build(d).count()).sum::<u64>()).sum();
    stretched + short_lived + long_lived.count()
}

/// The number of nodes by arithmetic.
pub fn expected_nodes(depth: u64) -> u64 {
    let nodes = |depth| (2_u64 << depth) - 1;
    nodes(depth + 1) + nodes(depth) + sizes(depth).map(|(d, trees)| trees * nodes(d)).sum::<u64>()
}

/// The depths of the small trees, and how many there are of each.
fn sizes(depth: u64) -> impl Iterator<Item = (u64, u64)> {
    (SHALLOWEST..=depth).step_by(2).map(move |d| (d, 1 << (depth - d + SHALLOWEST)))
}

package main

import "time"

// A tree is a node with two pointers; a leaf has none below it.
type tree struct{ left, right *tree }

// bintrees is binary-trees of the Computer Language Benchmarks Game, on one goroutine.
func bintrees(depth int) {
	const shallowest, usual = 4, 18
	start := time.Now()
	nodes := treeOfDepth(depth + 1).count()
	longLived := treeOfDepth(depth)
	expected := nodesOfDepth(depth+1) + nodesOfDepth(depth)
	for d := shallowest; d <= depth; d += 2 {
		trees := 1 << (depth - d + shallowest)
		for range trees {
			nodes += treeOfDepth(d).count()
		}
		expected += trees * nodesOfDepth(d)
	}
	nodes += longLived.count()
	elapsed := time.Since(start)
	check("the number of nodes", nodes, expected)
	ms(sized("bintrees", depth, usual), elapsed)
	mib(sized("bintrees_rss", depth, usual), peakResidentBytes())
}

func treeOfDepth(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{treeOfDepth(depth - 1), treeOfDepth(depth - 1)}
}

func (t *tree) count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

func nodesOfDepth(depth int) int {
	return 2<<depth - 1
}

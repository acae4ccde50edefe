// Scrolls a bar once another tab is chosen in it, and never the page. The time-out waits until the tabs have their widths.
export default function () {
  const chosen = new WeakMap();
  const show = () => document.querySelectorAll('[role="tab"][aria-selected="true"]').forEach((tab) => {
    const bar = tab.closest('[role="tablist"]');
    if (!bar || chosen.get(bar) === tab) return;
    let scrolled = bar;
    while (scrolled && scrolled.scrollWidth <= scrolled.clientWidth) {
      scrolled = scrolled.dataset.testid === "stTabs" ? null : scrolled.parentElement;
    }
    chosen.set(bar, tab);
    if (!scrolled) return;
    const [own, seen] = [tab, scrolled].map((one) => one.getBoundingClientRect());
    if (own.left < seen.left) scrolled.scrollLeft += own.left - seen.left;
    if (own.right > seen.right) scrolled.scrollLeft += own.right - seen.right;
  });
  let waiting;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(show, 100); };
  const observer = new MutationObserver(soon);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected"] });
  soon();
  return () => { clearTimeout(waiting); observer.disconnect(); };
}

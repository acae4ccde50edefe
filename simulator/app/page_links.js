// Streamlit puts the query on the page that is left before it goes to the other one, which takes two steps back. Here the
// address changes once, and Streamlit follows it as it follows a step forward.
export default function () {
  const go = (event) => {
    const link = event.target instanceof Element && event.target.closest('[data-testid="stPageLink-NavLink"]');
    if (!link || !link.search || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    history.pushState({}, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  document.addEventListener("click", go, true);
  return () => document.removeEventListener("click", go, true);
}

// A run sends these lines only; the browser imports the bundle once and keeps it.
export default ({ data, parentElement, setTriggerValue }) => {
  let gone = false, end = () => {};
  const renew = () => setTriggerValue("lost", Date.now());
  import(new URL(data.bundle, document.baseURI)).then(
    ({ mount }) => { if (!gone) end = mount({ data, parentElement, follow, renew }); },
    () => { parentElement.querySelector("#missing").hidden = false; },
  );
  return () => { gone = true; end(); };
};

// The picture form: a file that is too large is reported before it is sent, and progress afterwards.
// The page works without this script.

const input = document.getElementById("picture");

if (input) {
  const limit = Number(input.dataset.maxBytes);
  input.addEventListener("change", () => {
    const file = input.files[0];
    input.setCustomValidity(file && file.size > limit ? "The file is larger than 20 MB." : "");
    input.reportValidity();
  });
  const button = input.form.querySelector("button");
  const label = button.textContent;
  input.form.addEventListener("submit", () => {
    button.textContent = "Searching…";
    button.disabled = true;
  });
  // The browser's back button may restore the page as it was left.
  addEventListener("pageshow", () => {
    button.textContent = label;
    button.disabled = false;
  });
}

# Reports as a browser shows them: tools/pages.py on a run with a study, on photographs and on a table of returns.
. "$(dirname "$0")/harness.sh"
pages=$tree/tools/pages.py
cd "$work" || exit 1

case_is "a network on images, with a study"
run "$dae_cl" run "$tree/tests/cli/small.yaml" --set 'studies=[noise_levels]' --out images
code_is 0

case_is "the denoising autoencoder has one colour in all its figures, and the noisy input another"
for figure in figures/losses figures/comparison studies/noise_levels/error; do
    tr -d ' ' <images/$figure.svg | grep -qi 'rgb(0,114,178)' || problem "not blue: $figure"
done
for figure in figures/comparison studies/noise_levels/error; do
    tr -d ' ' <images/$figure.svg | grep -qi 'rgb(102,102,102)' || problem "not grey: $figure"
done

case_is "photographs"
run "$dae_cl" run image_gray --set 'data={source: dead_leaves, train: 8, test: 3, patch: 16, patches: 128, test_patches: 32}' \
    --set model.input=[16,16,1] --set train.epochs=1 --out photographs
code_is 0

case_is "returns"
run "$dae_cl" run finance_signal --set 'data={source: factor_panel, train: 400, test: 100, assets: 30}' \
    --set train.epochs=1 --set 'studies=[{finance_signal: {candidates: [{train.epochs: 1}]}}]' --out returns
code_is 0

case_is "nothing is wrong with them: axe, requests, width, the first screen"
python_with --no-deps axe-playwright-python
if [ -n "$why" ]; then
    skip "$why"
else
    run "$environment/bin/python" -B "$pages" --seconds 20 {images,photographs,returns}/report.html
    if [ "$code" -eq 77 ]; then
        skip "$(cat out)"
    else
        code_is 0
        [ "$(grep -c ' 0 faults$' out)" -eq 12 ] || problem "$(cat out)"

        case_is "what is wrong is found"
        sed 's/<html lang="en">/<html>/; s/<main>/<main style="min-width:2000px"><img src="file:\/\/\/nowhere.png">/' images/report.html >bad.html
        run "$environment/bin/python" -B "$pages" --seconds 0 bad.html
        code_is 1
        for fault in "the first screen takes" "asks for file:///nowhere.png" html-has-lang image-alt "pixels wide"; do
            [ "$(grep -c "$fault" out)" -eq 4 ] || problem "not $fault: $(cat out)"
        done
    fi
fi

finish
